/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "worker/host.h"

/* What the person does: frames of the view stream that come from the recorder. */
#define INPUT_SIDE_MAX 2000 /* columns or rows of the largest screen a target is told */

/* A screen within reason; 80 by 24 where nothing is known. */
struct screen input_screen(unsigned columns, unsigned rows, unsigned width, unsigned height);
/*
 * Works off the frames that came, in their order, until the driver takes no more. Returns whether
 * anything was given to the driver, or -ERR_MALFORMED.
 */
int input_work_off(struct worker *worker);
