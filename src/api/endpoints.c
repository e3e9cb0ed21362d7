/* SPDX-License-Identifier: Apache-2.0 */
#include "api/endpoints.h"

const struct endpoint *const endpoints[] = {
#define ENDPOINT(name) &name,
#include "api/endpoints.def"
#undef ENDPOINT
	NULL,
};
