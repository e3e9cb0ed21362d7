/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/supervisor.h"

/* The directory, the lock, the sockets. Errors are printed; returns 0 or an error. */
int place_open(struct place *place, const char *directory, struct settings *settings, bool offline,
	const char *listen, const char *store);
/*
 * Reads settings and certificate again. *ret_place is the old one but for what was opened anew: its
 * certificate, key, and, if gateway.listen changed, its socket. Errors are words in complaint. With
 * processes living on, what they stand on may not change.
 */
int place_renew(const struct supervisor *supervisor, bool living, struct settings *ret_settings,
	struct place *ret_place, char complaint[REASON_SIZE]);
void place_drop_fresh(const struct place *old, struct place *fresh); /* closes what differs */
/* As root: gives each process its own directory. */
int place_own(const struct place *place, const struct settings *settings);
void place_close(struct place *place);
/* Its descriptors, in the order of the struct. */
#define PLACE_COUNT 12
void place_list(struct place *place, int *out[PLACE_COUNT]);

/*
 * As root on an installation that belongs to an ordinary user: becomes that user, for good. Returns
 * 1 when it did, 0 when there was nothing to become, or an error.
 */
int place_become_owner(const struct place *place);
