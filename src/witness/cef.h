/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "wire/line.h"

/*
 * A line of evidence as an event of the Common Event Format (version 0): what a SIEM sorts by in
 * its own fields, and the JSON line whole in cs1, so that an event is evidence as well. Appends
 * without a newline.
 */
int cef_write(struct buf *out, const struct line *line);
