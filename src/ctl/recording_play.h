/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl/reader.h"

struct play_options {
	double speed;   /* 1 is as it was */
	double longest; /* seconds a pause may last at most; 0: as it was */
	int keys;       /* terminal to read keys from, or -1 */
	int out;        /* terminal */
	double from;    /* seconds: where it begins */
};
/* Space pauses, left and right seek 10 s, up and down change speed, q ends. */
int recording_play(struct reader *reader, const struct play_options *options);
