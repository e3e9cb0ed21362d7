/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "stage.h"

#include "supervisor/reload.h"
#include "supervisor/services.h"

/* A supervisor in this process, on a stage, with stand-ins for its services. */
struct company {
	struct stage stage;
	struct supervisor supervisor;
	int said, out; /* stands in for stdout; the real one */
	unsigned ticks;
	const char *until; /* ends the loop when the story has it */
	bool late;
	unsigned reaped[SERVICE_COUNT]; /* of those in charge */
	int last_status;
};

int company_open(void **state); /* for cmocka */
int company_close(void **state);
/* Runs until the story has the line, or the supervisor ends its loop (NULL). */
void run_until(struct company *company, const char *line);
/* A moment more, for what must not happen or needs a turn of the loop. */
void run_for(struct company *company, unsigned ms);
/* Until it is true; fails the test when that takes too long. */
void run_while(struct company *company, bool (*unfinished)(struct company *company));
void start_all(struct company *company); /* and waits until all are ready */
void run_until_ready(struct company *company);
void ask_for_a_witness(struct company *company); /* before start_all() */
void said(const struct company *company, const char *words);

#define CASE(name) cmocka_unit_test_setup_teardown(name, company_open, company_close)
