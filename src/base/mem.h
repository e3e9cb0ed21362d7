/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

/* Runs `function(&variable)` when the variable leaves its scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* Moves ownership out of a variable that has a CLEANUP: yields the value, leaves NULL. */
#define STEAL(pointer)                                                                             \
	({                                                                                         \
		__typeof__(pointer) stolen_ = (pointer);                                           \
		(pointer) = NULL;                                                                  \
		stolen_;                                                                           \
	})
/* The same for descriptors: leaves -1. */
#define STEAL_FD(fd)                                                                               \
	({                                                                                         \
		int stolen_ = (fd);                                                                \
		(fd) = -1;                                                                         \
		stolen_;                                                                           \
	})

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

void mem_freep(void *pointer_to_pointer); /* for CLEANUP on any malloc'ed pointer */
void fd_closep(int *fd);                  /* for CLEANUP; -1 is fine; keeps errno */
void mem_wipe(void *bytes, size_t len);   /* never optimised away */
/* Constant-time; true when equal. */
int mem_equal_secret(const void *a, const void *b, size_t len);
/*
 * Copies src into dst[size] with its NUL. Returns 0, or -ERR_TOO_LARGE and leaves dst an empty
 * string when it does not fit: nothing is ever cut short silently.
 */
int text_copy(char *dst, size_t size, const char *src);
int text_copy_len(
	char *dst, size_t size, const void *src, size_t len); /* also refuses NULs inside */
