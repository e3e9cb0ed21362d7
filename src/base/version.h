/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"

/* One object of its own, so that two builds can differ in nothing but this. */
extern const char gateway_version[]; /* "0.1.0" */
