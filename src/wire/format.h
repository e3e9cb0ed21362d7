/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "wire/messages.h"

/*
 * Messages are C structs, so two executables understand each other when they agree on every one of
 * them: when their wire formats, a hash made at build time (format.sh), are equal. Two builds of
 * different versions may well agree. Every executable holds its own behind a mark, so that the
 * supervisor can tell before it starts one.
 */
#define WIRE_FORMAT_MARK "sallyport wire format "

const char *wire_format(void); /* 64 digits */
/*
 * The format of the executable that fd reads. -ERR_NOT_FOUND: it has none; -ERR_SYSTEM: it cannot
 * be read.
 */
int wire_format_of(int fd, char ret_format[WIRE_FORMAT_SIZE]);
