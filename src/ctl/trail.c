/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/trail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/chain.h"
#include "wire/head.h"

void trail_begin(struct trail *trail, const uint8_t installation_public[32],
	struct witness *witness, struct trail_report *report)
{
	*trail = (struct trail){
		.installation_public = installation_public, .witness = witness, .report = report
	};
	*report = (struct trail_report){ .compared = witness != NULL };
}

void trail_goes_on(struct trail *trail, int64_t after, const uint8_t hash[HASH_LEN])
{
	trail->report->last = trail->report->proven = trail->signed_up_to = after;
	memcpy(trail->head, hash, HASH_LEN);
}

static void altered(struct trail *trail, int64_t first, int64_t last, const char *how)
{
	struct trail_report *report = trail->report;

	report->verdict = TRAIL_ALTERED;
	report->altered = first;
	report->altered_last = last;
	report->how = how;
	trail->done = true;
}

void trail_broken(struct trail *trail, const char *how)
{
	int64_t next = trail->report->last + 1;

	if (!trail->done)
		altered(trail, next, next, how);
}

/* Which trail it is the first row says, or, where that is not at hand, the first head. */
static void know_trail(struct trail *trail, const uint8_t hash[HASH_LEN])
{
	if (trail->trail_known)
		return;
	memcpy(trail->trail, hash, HASH_LEN);
	trail->trail_known = true;
	if (trail->witness == NULL)
		return;
	int r = witness_load_trail(trail->witness, trail->trail);
	if (r < 0)
		trail->error = r;
	trail->witness_loaded = r == 0;
}

static bool same(const uint8_t a[HASH_LEN], const uint8_t b[HASH_LEN])
{
	return memcmp(a, b, HASH_LEN) == 0;
}

/*
 * The row tells of another past than is here: it was put here, or those before it were, with hashes
 * that are right for them. Which of them, only a signature between them can say.
 */
static void follows_another(struct trail *trail, int64_t sequence, const char *how)
{
	altered(trail, trail->signed_up_to + 1, sequence, how);
}

/* Does it follow, and is it what was chained? hash becomes its hash. */
static void prove_row(struct trail *trail, const struct audit_row *row, uint8_t hash[HASH_LEN])
{
	struct audit_row here = *row;

	if (row->sequence != trail->report->last + 1) {
		trail_broken(trail, "missing");
		return;
	}
	bool follows = same(row->before, trail->head);
	memcpy(here.before, trail->head, HASH_LEN);
	chain_hash(&here, hash);
	bool chained = same(hash, row->hash);
	if (follows && chained)
		return;
	chain_hash(row, hash);
	if (same(hash, row->hash))
		follows_another(trail, row->sequence, "it does not follow the one before it");
	else if (follows || chained)
		trail_broken(trail, "it is not what was chained");
	else
		follows_another(trail, row->sequence, "it is not what was chained");
}

int trail_row(struct trail *trail, const struct audit_row *row)
{
	struct trail_report *report = trail->report;
	uint8_t hash[HASH_LEN];

	if (!trail->done)
		prove_row(trail, row, hash);
	if (trail->done)
		return 1;
	if (report->first == 0)
		report->first = row->sequence;
	if (row->sequence == 1)
		know_trail(trail, hash);
	report->last = row->sequence;
	memcpy(trail->head, hash, HASH_LEN);
	if (trail->witness_loaded)
		witness_compare(trail->witness, (uint64_t)row->sequence, hash);
	return trail->error < 0;
}

/* The installation's word on the key: proven once for each key, and the same wherever it stands. */
static bool certified(struct trail *trail, const struct signer *signer)
{
	const struct signer *good = &trail->good;

	if (good->certified &&
		memcmp(good->public_key, signer->public_key, sizeof good->public_key) == 0 &&
		(!signer->certified || memcmp(good->certificate, signer->certificate,
					       sizeof good->certificate) == 0))
		return true;
	if (signer_check(signer, trail->installation_public) < 0)
		return false;
	trail->good = *signer;
	return true;
}

static void foreign(struct trail *trail, int64_t sequence)
{
	trail->report->verdict = TRAIL_FOREIGN;
	trail->report->altered = trail->report->altered_last = sequence;
	trail->done = true;
}

/* The chain fits and the signature does not: someone without the key rebuilt it, or the head. */
static void not_signed(struct trail *trail, int64_t sequence)
{
	altered(trail, MIN(trail->signed_up_to + 1, sequence), sequence,
		"its head was not signed so");
}

/* A genuine head of a later row: those up to it are missing. */
static void stands_elsewhere(struct trail *trail, const struct audit_head *head)
{
	if (head->sequence > trail->report->last && audit_head_check(head) == 0)
		trail_broken(trail, "missing");
	else
		not_signed(trail, trail->report->last);
}

int trail_head(struct trail *trail, const struct audit_head *stated)
{
	struct trail_report *report = trail->report;
	struct audit_head head = *stated;

	if (trail->done)
		return 1;
	if (head.sequence != report->last) {
		stands_elsewhere(trail, &head);
		return 1;
	}
	/* A store does not repeat the hash of the row. */
	if (same(head.hash, (const uint8_t[HASH_LEN]){ 0 }))
		memcpy(head.hash, trail->head, HASH_LEN);
	know_trail(trail, head.signer.trail);
	if (!same(head.signer.trail, trail->trail) || !same(head.hash, trail->head) ||
		audit_head_check(&head) < 0) {
		not_signed(trail, head.sequence);
		return 1;
	}
	report->heads++;
	trail->signed_up_to = head.sequence;
	if (certified(trail, &head.signer))
		report->proven = head.sequence;
	else if (head.signer.certified)
		foreign(trail, head.sequence);
	return trail->done || trail->error < 0;
}

/* What the witness says counts where nothing worse was found. */
static void hear_witness(struct trail *trail)
{
	struct trail_report *report = trail->report;

	witness_close(trail->witness, (uint64_t)report->last);
	report->witness = trail->witness->report;
	if (report->verdict == TRAIL_ALTERED || report->verdict == TRAIL_FOREIGN)
		return;
	if (report->witness.disagrees || report->witness.other_trail)
		report->verdict = TRAIL_DISAGREES;
	else if (report->witness.beyond > 0)
		report->verdict = TRAIL_CUT;
}

int trail_end(struct trail *trail)
{
	struct trail_report *report = trail->report;

	/* An empty trail has no name: whatever trail the witness knows is another. */
	if (trail->witness != NULL && !trail->witness_loaded && !trail->done)
		know_trail(trail, (const uint8_t[HASH_LEN]){ 0 });
	if (trail->error < 0)
		return trail->error;
	if (!trail->done && report->first == 0)
		report->verdict = TRAIL_EMPTY;
	else if (!trail->done && report->proven < report->last)
		report->verdict = TRAIL_UNPROVEN;
	if (trail->witness != NULL)
		hear_witness(trail);
	return 0;
}

const char *trail_verdict_name(enum trail_verdict verdict)
{
	static const char *const names[] = { "intact", "cut", "altered", "witness disagrees",
		"not certified", "unproven", "empty" };

	return (unsigned)verdict < ARRAY_LEN(names) ? names[verdict] : "?";
}

static void altered_text(const struct trail_report *report, char out[REASON_SIZE])
{
	if (report->altered_last > report->altered)
		snprintf(out, REASON_SIZE,
			"row %" PRId64 " altered, or one up to row %" PRId64 ": %s",
			report->altered, report->altered_last, report->how);
	else
		snprintf(out, REASON_SIZE, "row %" PRId64 " altered: %s", report->altered,
			report->how);
}

static void disagrees_text(const struct trail_report *report, char out[REASON_SIZE])
{
	if (report->witness.disagrees)
		snprintf(out, REASON_SIZE, "witness disagrees at row %" PRIu64,
			report->witness.disagrees_at);
	else
		snprintf(out, REASON_SIZE,
			"witness disagrees: it has another trail of this installation");
}

const char *trail_verdict_text(const struct trail_report *report, char out[REASON_SIZE])
{
	switch (report->verdict) {
	case TRAIL_INTACT:
		snprintf(out, REASON_SIZE, "intact: rows %" PRId64 " to %" PRId64, report->first,
			report->last);
		break;
	case TRAIL_CUT:
		snprintf(out, REASON_SIZE,
			"cut short after row %" PRId64 ": the witness has row %" PRIu64,
			report->last, report->witness.beyond);
		break;
	case TRAIL_ALTERED:
		altered_text(report, out);
		break;
	case TRAIL_DISAGREES:
		disagrees_text(report, out);
		break;
	case TRAIL_FOREIGN:
		snprintf(out, REASON_SIZE,
			"not certified by this installation: the head of row %" PRId64,
			report->altered);
		break;
	case TRAIL_UNPROVEN:
		snprintf(out, REASON_SIZE,
			"unproven after row %" PRId64 ": %" PRId64
			" rows are not signed by a certified key",
			report->proven, report->last - report->proven);
		break;
	default:
		snprintf(out, REASON_SIZE, "empty: there are no rows");
	}
	return out;
}
