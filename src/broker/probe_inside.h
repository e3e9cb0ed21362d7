/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* What the supervisor says about workers that are probes (their session number is negative). */
struct broker;
void probe_worker_started(struct broker *broker, uint32_t serial, int result);
void probe_worker_exited(struct broker *broker, int64_t number);
void probes_give_up(struct broker *broker); /* those who wait are told to try again */
void probes_finish(struct broker *broker);
