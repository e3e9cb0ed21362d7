/* SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"

const char gateway_version[] = VERSION;

_Static_assert(sizeof gateway_version <= VERSION_SIZE, "messages carry it");
