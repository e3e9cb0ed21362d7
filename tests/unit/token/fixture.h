/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/messages.h"

/*
 * A SoftHSM of the test's own: one token called "gate" with the PIN 4321, in a directory that goes
 * with the test. Where SoftHSM is not installed, the tests that want it are skipped.
 */
#define TOKEN_PIN "4321"
#define TOKEN_KEY "pkcs11:token=gate;object=sallyport"

struct token_fixture {
	char path[64];
	char module[128]; /* "": there is no SoftHSM here */
};

int token_open(void **state);  /* cmocka setup: *state is a struct token_fixture */
int token_close(void **state); /* teardown */
#define TOKEN_CASE(name) cmocka_unit_test_setup_teardown(name, token_open, token_close)
/* softhsm2-util with these words, NULL at the end; its exit status. */
int token_util(const char *word, ...) __attribute__((sentinel));
