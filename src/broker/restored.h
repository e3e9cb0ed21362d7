/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The first start of what was restored (store/copy.h): the trail says from which backup, and which
 * life this is. Inside the transaction that starts the broker; nothing, otherwise.
 */
struct broker;
int restored_say(struct broker *broker);
