/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/loop.h"

/*
 * The administrator's door: a listening SOCK_SEQPACKET socket in the installation's directory. Who
 * connects is told by the kernel (SO_PEERCRED): root, or the user who owns the installation.
 */
struct broker;
struct control;
int control_create(
	struct broker *broker, int listener, uint32_t owner, struct control **ret_control);
void control_close(struct control *control); /* accepts no more; who is connected stays */
void control_destroy(struct control *control);
