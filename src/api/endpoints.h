/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/endpoint.h"

#define ENDPOINT(name) extern const struct endpoint name;
#include "api/endpoints.def"
#undef ENDPOINT
