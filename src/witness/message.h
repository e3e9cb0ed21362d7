/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "wire/line.h"

/*
 * A line of evidence as a syslog message (RFC 5424) in a frame of counted octets (RFC 6587 section
 * 3.4.1, RFC 5425 section 4.3):
 *
 *	length SP <priority>1 SP time SP host SP sallyport SP - SP kind SP [origin ..] SP line
 *
 * The line is the JSON line, without the byte order mark that RFC 5424 wants before UTF-8: it would
 * stand before the first brace. Or a CEF event that holds it (cef.h).
 */
#define MESSAGE_HOST_SIZE 256

/* A host's name as RFC 5424 lets it stand: "-" when there is none. */
void message_host(const char *name, char out[MESSAGE_HOST_SIZE]);
int message_write(struct buf *out, const struct line *line, const char *host, bool cef);
