/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"

/*
 * A desk at which the command line is used: an empty directory, what a command prints, and beside
 * it a gateway that is played by the test. A command runs in a fork, as it does for people; each
 * call it makes is checked against the table of messages and kept.
 */
#define DESK_CALLS 8

struct desk_call {
	char method[8], path[512];
	char params[1024]; /* "login=ana name=Ana Sousa": as sent, joined by blanks */
	unsigned fd_count;
	char secret[256]; /* what its first descriptor gave to read */
};

struct desk {
	char directory[64];
	bool terminal;        /* standard input is one */
	const char *typed[4]; /* there: an answer to each question that is asked without echo */
	char shown[1024];     /* what the terminal showed of them */
	const char *input;    /* standard input of the command; NULL: empty */

	/* the gateway: an answer for each call in turn, the last one for all that follow */
	const char *answers[DESK_CALLS];
	const char *secret_out; /* written into the last descriptor of a call */
	size_t secret_len;      /* 0: it is text */
	bool hangs_up;          /* instead of answering */
	unsigned part;          /* bytes in one part of an answer; 0: all */
	int serial_off;         /* added to the serial of the answers */
	uint16_t type;          /* of the answers, when it is wrong; 0 */
	struct desk_call calls[DESK_CALLS];
	unsigned call_count, connections;

	/* what the last command said */
	char out[65536], error[8192];
	int status; /* exit status; -1 when a signal ended it, see signal */
	int signal;

	int listener, connection, said[2], kept[2], show[2];
};

int desk_open(void **state);  /* cmocka setup: *state is a struct desk */
int desk_close(void **state); /* teardown */
#define DESK_CASE(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

void desk_gateway(struct desk *desk); /* from here on a gateway is running */
/* sallyport with these words, NULL at the end; SALLYPORT_DATA is the desk's directory. */
int desk_run(struct desk *desk, ...) __attribute__((sentinel));
/* The same for a function, in a fork. */
int desk_fork(struct desk *desk, int (*fn)(void *), void *context);
/* What is printed between them, in this process, ends up in out and error. */
void desk_capture(struct desk *desk);
void desk_release(struct desk *desk);

void desk_said(const struct desk *desk, const char *out);        /* exactly this */
void desk_complained(const struct desk *desk, const char *part); /* on stderr, among others */
/* Call `index` was this one: "POST /control/user/add", "login=ana". */
void desk_called(
	const struct desk *desk, unsigned index, const char *method_and_path, const char *params);
void desk_file(struct desk *desk, const char *name, const char *text);
void desk_bytes(struct desk *desk, const char *name, const void *bytes, size_t len);
void desk_pem(struct desk *desk, const char *name, const uint8_t key[32]); /* as installation.pem */

int tested_main(int argc, char **argv); /* main() of cli.c */
