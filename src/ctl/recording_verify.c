/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ctl/recording_source.h"
#include "wire/certificate.h"

/* What has been seen while the records pass by. */
struct walk {
	struct recording_report *report;
	struct witness *witness; /* or NULL */
	uint64_t chunks;
	uint32_t ms;              /* end of the last chunk */
	bool signed_once, sealed; /* sealed: a signature came after the end */
};

static void altered(struct walk *walk, enum recording_part what, uint64_t first, uint64_t last)
{
	struct recording_report *report = walk->report;

	report->verdict = RECORDING_ALTERED;
	report->what = what;
	report->altered = first;
	report->altered_last = last;
}

/* The record at hand is not what was written. Returns -ERR_CRYPTO to end the walk. */
static int altered_record(struct walk *walk, uint8_t type)
{
	if (walk->sealed)
		altered(walk, PART_AFTER, walk->chunks, walk->chunks);
	else if (type == RECORDING_SIGNATURE)
		altered(walk, PART_SIGNATURE, walk->chunks, walk->chunks);
	else if (type == RECORDING_END)
		altered(walk, PART_END, walk->chunks, walk->chunks);
	else
		altered(walk, PART_CHUNK, walk->chunks + 1, walk->chunks + 1);
	return -ERR_CRYPTO;
}

/*
 * The chain was rebuilt by someone without the key: whatever came since the last signature may be
 * another's work; before the first one that is the header.
 */
static int altered_since_signature(struct walk *walk)
{
	const struct recording_report *report = walk->report;

	if (!walk->signed_once && walk->chunks == 0)
		walk->report->verdict = RECORDING_HEADER_ALTERED;
	else if (walk->chunks > report->chunks)
		altered(walk, PART_CHUNK, report->chunks + 1, walk->chunks);
	else
		altered(walk, PART_SIGNATURE, walk->chunks, walk->chunks);
	return -ERR_CRYPTO;
}

/*
 * Chained as it should be, and yet it cannot follow: somebody without the key chained it again, and
 * what he changed is this record or any since the last signature.
 */
static int altered_by_then(struct walk *walk, uint8_t type)
{
	uint64_t proven = walk->report->chunks;

	altered_record(walk, type);
	if (walk->chunks > proven)
		altered(walk, PART_CHUNK, proven + 1,
			walk->chunks + (type == RECORDING_CHUNK ? 1 : 0));
	return -ERR_CRYPTO;
}

static int take_chunk(struct walk *walk, const struct recording_record *record)
{
	struct recording_chunk chunk;

	if (walk->report->ended || recording_chunk_read(record, &chunk) < 0 ||
		chunk.number != walk->chunks + 1 || chunk.start_ms < walk->ms)
		return altered_by_then(walk, record->type);
	walk->chunks++;
	walk->ms = chunk.end_ms;
	return 0;
}

static void compare(struct walk *walk, const uint8_t head[HASH_LEN])
{
	struct recording_report *report = walk->report;

	report->signatures++;
	if (walk->witness == NULL)
		return;
	bool before = walk->witness->report.disagrees;
	witness_compare(walk->witness, report->signatures, head);
	if (walk->witness->report.disagrees && !before)
		report->disagrees_ms = walk->ms;
}

static int take_signature(
	struct walk *walk, const struct source *source, const struct source_record *it)
{
	struct recording_report *report = walk->report;

	if (walk->sealed)
		return altered_record(walk, it->record.type);
	if (recording_signature_check(&it->record, source->header.public_key,
		    source->header.session_id, walk->chunks, walk->ms, it->head_before) < 0)
		return altered_since_signature(walk);
	compare(walk, it->head_before);
	walk->signed_once = true;
	walk->sealed = report->ended;
	report->chunks = walk->chunks;
	report->ms = walk->ms;
	return 0;
}

static int take_end(struct walk *walk, const struct recording_record *record)
{
	struct recording_report *report = walk->report;

	if (report->ended || recording_end_read(record, &report->end) < 0 ||
		report->end.chunks != walk->chunks || report->end.ms < walk->ms)
		return altered_by_then(walk, record->type);
	report->ended = true;
	return 0;
}

static int take_record(
	struct walk *walk, const struct source *source, const struct source_record *it)
{
	if (walk->sealed)
		return altered_record(walk, it->record.type);
	switch (it->record.type) {
	case RECORDING_CHUNK:
		return take_chunk(walk, &it->record);
	case RECORDING_SIGNATURE:
		return take_signature(walk, source, it);
	case RECORDING_END:
		return take_end(walk, &it->record);
	default:
		/* An optional record of a later version: chained and signed like all others. */
		return it->record.type >= RECORDING_OPTIONAL
			       ? 0
			       : altered_record(walk, it->record.type);
	}
}

static int walk_records(struct walk *walk, struct source *source)
{
	struct source_record it;
	int r;

	while ((r = source_next(source, &it)) > 0) {
		r = take_record(walk, source, &it);
		if (r < 0)
			return 0;
	}
	if (r == -ERR_SYSTEM)
		return r;
	if (r == -ERR_CRYPTO)
		altered_record(walk, it.record.type);
	else if (r == -ERR_MALFORMED)
		altered_record(walk, RECORDING_CHUNK);
	else if (r < 0 && walk->sealed)
		altered_record(walk, 0);
	else
		walk->report->verdict = walk->sealed ? RECORDING_INTACT : RECORDING_CUT;
	return 0;
}

static bool certified(const struct recording_header *header, const uint8_t installation_public[32])
{
	struct certificate certificate = { .purpose = CERTIFICATE_RECORDING,
		.key_version = header->key_version };

	text_copy(certificate.session_id, sizeof(certificate.session_id), header->session_id);
	hash_sha256(certificate.subject, header->facts, header->facts_len);
	memcpy(certificate.public_key, header->public_key, sizeof(certificate.public_key));
	return certificate_verify(&certificate, header->certificate, installation_public) == 0;
}

static enum recording_verdict header_verdict(const struct source *source, int r)
{
	bool magic = source->len >= 8 && memcmp(source->bytes, RECORDING_MAGIC, 8) == 0;

	if (!magic)
		return RECORDING_NONE;
	if (r == -ERR_MALFORMED && source->header.version != RECORDING_VERSION)
		return RECORDING_NEWER;
	return RECORDING_HEADER_ALTERED;
}

/* What the witness says counts where nothing worse was found. */
static void hear_witness(struct recording_report *report, struct witness *witness)
{
	witness_close(witness, report->signatures);
	report->witness = witness->report;
	report->compared = true;
	if (report->verdict != RECORDING_INTACT && report->verdict != RECORDING_CUT)
		return;
	/* A whole recording has its last signature: no genuine one can follow. */
	if (report->witness.disagrees ||
		(report->witness.beyond > 0 && report->verdict == RECORDING_INTACT))
		report->verdict = RECORDING_DISAGREES;
}

int recording_verify_against(int fd, const uint8_t installation_public[32], struct witness *witness,
	struct recording_report *ret_report)
{
	CLEANUP(source_finish) struct source source = {};
	struct walk walk = { .report = ret_report, .witness = witness };
	int r = source_init(&source, fd);

	memset(ret_report, 0, sizeof(*ret_report));
	if (r == 0)
		r = source_header(&source);
	if (r == -ERR_SYSTEM)
		return r;
	ret_report->header = source.header;
	if (r < 0) {
		ret_report->verdict = header_verdict(&source, r);
		return 0;
	}
	if (!certified(&source.header, installation_public)) {
		ret_report->verdict = RECORDING_FOREIGN;
		return 0;
	}
	r = witness != NULL ? witness_load_recording(witness, source.header.session_id) : 0;
	if (r == 0)
		r = walk_records(&walk, &source);
	if (r < 0)
		return r;
	ret_report->bytes = source.passed;
	ret_report->unsigned_chunks = walk.chunks - ret_report->chunks;
	memcpy(ret_report->head, source.head, HASH_LEN);
	/* An end that no signature covers is no end. */
	ret_report->ended = ret_report->ended && walk.sealed;
	if (witness != NULL)
		hear_witness(ret_report, witness);
	return 0;
}

int recording_verify(
	int fd, const uint8_t installation_public[32], struct recording_report *ret_report)
{
	return recording_verify_against(fd, installation_public, NULL, ret_report);
}

const char *recording_verdict_name(enum recording_verdict verdict)
{
	static const char *const names[] = { "intact", "cut", "witness disagrees", "altered",
		"header altered", "not certified", "newer", "no recording" };

	return (unsigned)verdict < ARRAY_LEN(names) ? names[verdict] : "?";
}

static void altered_text(const struct recording_report *report, char out[REASON_SIZE])
{
	if (report->what == PART_AFTER)
		snprintf(out, REASON_SIZE, "altered: something was added after the end");
	else if (report->what == PART_END)
		snprintf(out, REASON_SIZE, "end record after chunk %" PRIu64 " altered",
			report->altered);
	else if (report->what == PART_SIGNATURE)
		snprintf(out, REASON_SIZE, "signature after chunk %" PRIu64 " altered",
			report->altered);
	else if (report->altered_last > report->altered)
		snprintf(out, REASON_SIZE, "chunk %" PRIu64 " altered, or one up to chunk %" PRIu64,
			report->altered, report->altered_last);
	else
		snprintf(out, REASON_SIZE, "chunk %" PRIu64 " altered", report->altered);
}

static void cut_text(const struct recording_report *report, char out[REASON_SIZE])
{
	if (report->witness.beyond > 0)
		snprintf(out, REASON_SIZE,
			"cut short after second %" PRIu32 ": the witness saw second %" PRIu32,
			report->ms / 1000, report->witness.beyond_ms / 1000);
	else
		snprintf(out, REASON_SIZE, "cut short after second %" PRIu32, report->ms / 1000);
}

static void disagrees_text(const struct recording_report *report, char out[REASON_SIZE])
{
	if (report->witness.disagrees)
		snprintf(out, REASON_SIZE, "witness disagrees at second %" PRIu32,
			report->disagrees_ms / 1000);
	else
		snprintf(out, REASON_SIZE, "witness disagrees: it saw more after the end");
}

const char *recording_verdict_text(const struct recording_report *report, char out[REASON_SIZE])
{
	switch (report->verdict) {
	case RECORDING_INTACT:
		snprintf(out, REASON_SIZE, "intact");
		break;
	case RECORDING_CUT:
		cut_text(report, out);
		break;
	case RECORDING_DISAGREES:
		disagrees_text(report, out);
		break;
	case RECORDING_ALTERED:
		altered_text(report, out);
		break;
	case RECORDING_HEADER_ALTERED:
		snprintf(out, REASON_SIZE, "header altered or cut short");
		break;
	case RECORDING_FOREIGN:
		snprintf(out, REASON_SIZE, "not certified by this installation");
		break;
	case RECORDING_NEWER:
		snprintf(out, REASON_SIZE, "of another version (%u) of the format",
			report->header.version);
		break;
	default:
		snprintf(out, REASON_SIZE, "not a recording");
	}
	return out;
}

/* SubjectPublicKeyInfo of Ed25519 (RFC 8410) is twelve fixed bytes and the key. */
int recording_public_key(const char *pem, uint8_t ret_key[32])
{
	static const uint8_t prefix[12] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70,
		0x03, 0x21, 0x00 };
	static const char begin[] = "-----BEGIN PUBLIC KEY-----",
			  end[] = "-----END PUBLIC KEY-----";
	char text[64];
	uint8_t bytes[48];
	size_t len = 0;
	const char *from = strstr(pem, begin);
	const char *to = from != NULL ? strstr(from, end) : NULL;

	if (to == NULL)
		return -ERR_MALFORMED;
	for (from += sizeof(begin) - 1; from < to; from++) {
		if (*from == '\n' || *from == '\r')
			continue;
		if (len == sizeof(text))
			return -ERR_MALFORMED;
		text[len++] = *from;
	}
	if (base64_decode(bytes, sizeof(bytes), text, len) != 44 ||
		memcmp(bytes, prefix, sizeof(prefix)) != 0)
		return -ERR_MALFORMED;
	memcpy(ret_key, bytes + sizeof(prefix), 32);
	return 0;
}
