/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>

/*
 * A stage for the supervisor: a directory (where the test then is) with an installation in data/
 * and programs in bin/ that are all the stand-in. A stand-in does what the file plan/NAME says
 * (its own name, "sallyport-front") and appends a line to the file "story" for what happens to it:
 *
 *	obeys	(no plan) READY; ends at STOP
 *	dies	ends at once, status 3
 *	deaf	READY; hears STOP and goes on
 *	mute	never READY
 *	rude	bytes that are no message, then nothing
 *	stays	hears FINISH and goes on, until STOP
 *	accuses WHOM	of bad words; in capitals: of words it could not hear (broker, once)
 *	hangs	token: says nothing
 *	starts	broker: has a worker started; asks for the end when that one has exited
 */
struct stage {
	char directory[64], bin[96];
};

extern char *stage_stand_in; /* whole path of the stand-in, from the command line */

void stage_open(struct stage *stage);
void stage_close(struct stage *stage);
void stage_plan(const char *program, const char *word);
/* What was told so far, one line each. */
#define STORY_SIZE 16384
void stage_story(char out[STORY_SIZE]);
/* True when the story has `line`; waits for it. */
bool stage_told(const char *line);
unsigned stage_count(const char *line); /* how often the story has it */
/* Where `line` begins in the story; fails the test when it is not there. */
size_t stage_moment(const char *line);
void stage_file(const char *path, const char *text, mode_t mode);
