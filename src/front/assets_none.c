/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a build without pages (-Dweb=false): the API alone. */
#include "front/static.h"

const struct asset assets[1] = { { 0 } };
const unsigned asset_count = 0;
const char asset_policy[] = "default-src 'none'";
