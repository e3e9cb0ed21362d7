/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/drivers.h"

#include <stddef.h>
#include <strings.h>

#include "base/mem.h"

enum screen_kind { SCREEN_TEXT, SCREEN_PIXELS };
enum proof_kind { PROOF_NONE, PROOF_HOST_KEY };

static const struct driver_row rows[] = {
#define DRIVER(name, port, screen, proof)                                                          \
	{ #name, port, SCREEN_##screen == SCREEN_PIXELS, PROOF_##proof == PROOF_HOST_KEY },
#include "drivers/drivers.def"
#undef DRIVER
};

const struct driver_row *driver_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		if (strcasecmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}
