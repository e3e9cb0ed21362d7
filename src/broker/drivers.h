/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the broker knows of the drivers: drivers/drivers.def, without linking any of them. */
struct driver_row {
	const char *name; /* lower case; the executable is sallyport-worker-NAME */
	uint16_t port;    /* when a device does not say */
	bool pixels;      /* graphical */
	bool host_key;    /* proves itself by a key that is pinned */
};
const struct driver_row *driver_find(const char *name); /* letter case ignored; NULL: no driver */
