/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recording_export.c"

#include <stdio.h>
#include <unistd.h>

#include "../recorder/fixture.h"

static const uint8_t *opened; /* the second key, when it is there */

/* One recording with these frames, exported; the caller frees. */
static char *export(const struct recording_frame *frames, unsigned count,
	const struct export_options *options, size_t *ret_len)
{
	struct fixture fixture;
	struct packer packer;
	struct chunk chunk;
	struct chain chain;
	struct reader *reader;
	uint8_t public_key[32];
	char *text = NULL;
	size_t len;

	fixture_init(&fixture);
	assert_int_equal(packer_init(&packer), 0);
	chunk_init(&chunk);
	chain_init(&chain, FIXTURE_SESSION, public_key);
	fixture_certify(&fixture, public_key, chunk.key);
	chain_header(&chain, &fixture.header);
	for (unsigned i = 0; i < count; i++) {
		if (!chunk_fits(&chunk, frames[i].len))
			chunk_close(&chunk, &packer, &chain, true);
		assert_int_equal(chunk_append(&chunk, &frames[i]), 0);
	}
	chunk_close(&chunk, &packer, &chain, false);
	struct recording_end end = { .ms = chain.end_ms, .chunks = chain.chunks, .reason = "over" };
	chain_end(&chain, &end);
	chain_sign(&chain);
	uint8_t *bytes = chain_take(&chain, &len);
	int fd = fixture_file(bytes, len);
	FILE *out = open_memstream(&text, ret_len);
	assert_int_equal(reader_open(fd, fixture.key, &reader), 0);
	if (opened != NULL)
		assert_int_equal(reader_open_secrets(reader, opened), 0);
	assert_int_equal(recording_export(reader, options, out), 0);
	fclose(out);
	reader_close(reader);
	close(fd);
	free(bytes);
	chunk_finish(&chunk);
	chain_finish(&chain);
	packer_finish(&packer);
	return text;
}

#define FRAME_OF(ms, type, viewer, text)                                                           \
	{                                                                                          \
		ms, type, viewer, sizeof(text) - 1, (const uint8_t *)(text)                        \
	}

static const struct recording_frame session[] = {
	FRAME_OF(0, VIEW_STATE, 0, "\3live"),
	FRAME_OF(1, VIEW_SIZE, 0, "\144\0\036\0\0\0\0\0"),
	FRAME_OF(2, VIEW_JOIN, 1, "\0ana from 192.0.2.7"),
	FRAME_OF(1000, VIEW_TEXT, 0, "$ \033[1mls\033[0m \342\202"),
	FRAME_OF(1500, VIEW_TEXT, 0, "\254\r\nfile \377\r\n"),
	FRAME_OF(2000, VIEW_KEYS, 1, "lss\177 -l\r"),
	FRAME_OF(2100, VIEW_PASTE, 1, "pa\"ste\033[A"),
	FRAME_OF(2200, RECORDING_WITHHELD, 1, "\100\0\0\0\6\0\0\0"),
	FRAME_OF(3000, VIEW_SIZE, 0, "\120\0\030\0\0\0\0\0"),
	FRAME_OF(3061500, VIEW_NOTICE, 0, "Five minutes \033]0;x\007left"),
	FRAME_OF(3062000, VIEW_ENDED, 0, "\0\0\0\0\3\0\0\0logout"),
};

static void asciicast(void **state)
{
	static const char expect[] =
		"{\"version\":2,\"width\":100,\"height\":30,\"timestamp\":1764000000,"
		"\"title\":\"ana -> root@db1\",\"env\":{\"TERM\":\"xterm-256color\"}}\n"
		"[0.000,\"m\",\"live\"]\n"
		"[0.001,\"r\",\"100x30\"]\n"
		"[0.002,\"m\",\"ana from 192.0.2.7\"]\n"
		"[1.000,\"o\",\"$ \\u001B[1mls\\u001B[0m \"]\n"
		"[1.500,\"o\",\"\342\202\254\\r\\nfile \357\277\275\\r\\n\"]\n"
		"[2.000,\"i\",\"lss\177 -l\\r\"]\n"
		"[2.100,\"i\",\"pa\\\"ste\\u001B[A\"]\n"
		"[3.000,\"r\",\"80x24\"]\n"
		"[3061.500,\"m\",\"Five minutes \\u001B]0;x\\u0007left\"]\n"
		"[3062.000,\"m\",\"logout\"]\n";
	struct export_options options = { .format = EXPORT_ASCIICAST, .input = true };
	size_t len;
	char *text = export(session, ARRAY_LEN(session), &options, &len);

	assert_string_equal(text, expect);
	free(text);
	options.input = false;
	text = export(session, ARRAY_LEN(session), &options, &len);
	assert_null(strstr(text, "\"i\""));
	free(text);
}

static void asciicast_without_size(void **state)
{
	static const struct recording_frame frames[] = { FRAME_OF(5, VIEW_TEXT, 0, "x\342\202") };
	struct export_options options = { .format = EXPORT_ASCIICAST };
	size_t len;
	char *text = export(frames, 1, &options, &len);

	assert_non_null(strstr(text, "\"width\":80,\"height\":24"));
	/* What the end left incomplete is shown as such, not dropped. */
	assert_non_null(strstr(text, "[0.005,\"o\",\"x\"]\n[0.005,\"o\",\"\357\277\275\"]\n"));
	free(text);
}

static void text(void **state)
{
	static const char expect[] = "-- live\n"
				     "-- attached: ana from 192.0.2.7\n"
				     "$ ls \342\202\254\n"
				     "file \357\277\275\n"
				     "typed> ls -l\n"
				     "typed> 6 bytes, not recorded\n"
				     "-- Five minutes ^[]0;x^Gleft\n"
				     "-- logout\n"
				     "typed> pa\"ste^[[A\n";
	struct export_options options = { .format = EXPORT_TEXT, .input = true };
	size_t len;
	char *out = export(session, ARRAY_LEN(session), &options, &len);

	assert_string_equal(out, expect);
	free(out);
	options.input = false;
	options.times = true;
	out = export(session, ARRAY_LEN(session), &options, &len);
	assert_null(strstr(out, "typed>"));
	assert_non_null(strstr(out, "00:00:01.500  file"));
	assert_non_null(strstr(out, "00:51:01.500  -- Five"));
	free(out);
}

static void json(void **state)
{
	struct export_options options = { .format = EXPORT_JSON };
	size_t len;
	char *out = export(session, ARRAY_LEN(session), &options, &len);
	json_error_t error;
	json_t *root = json_loadb(out, len, 0, &error);

	assert_non_null(root);
	assert_true(json_is_true(json_object_get(root, "complete")));
	json_t *header = json_object_get(root, "recording"),
	       *events = json_object_get(root, "events");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(header, "facts"), "user")),
		"ana");
	assert_int_equal(json_array_size(events), ARRAY_LEN(session));
	json_t *size = json_array_get(events, 1), *typed_keys = json_array_get(events, 5);
	assert_int_equal(json_integer_value(json_object_get(size, "columns")), 100);
	assert_int_equal(json_integer_value(json_object_get(typed_keys, "viewer")), 1);
	assert_string_equal(json_string_value(json_object_get(typed_keys, "text")), "lss\177 -l\r");
	/* Bytes that are no text are there to the last one. */
	assert_string_equal(json_string_value(json_object_get(json_array_get(events, 4), "base64")),
		"rA0KZmlsZSD/DQo=");
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(events, 7), "length")), 6);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(events, 10), "exit_status")), 3);
	json_decref(root);
	free(out);
}

/* Typed and not shown: how much it was, in every form; what, only when it was opened. */
static void unseen(void **state)
{
	static const uint8_t key[RECORDING_KEY_LEN] = { 1 };
	uint8_t payload[64];
	struct recording_secret secret = { .type = VIEW_KEYS,
		.viewer = 1,
		.number = 1,
		.bytes = (const uint8_t *)"hunter2",
		.len = 7 };
	struct recording_frame frames[] = {
		FRAME_OF(1000, VIEW_KEYS, 1, "su"),
		{ 2000, RECORDING_SECRET, 1, 0, payload },
		FRAME_OF(3000, VIEW_KEYS, 1, "\r"),
	};
	struct export_options options = { .format = EXPORT_TEXT, .input = true };
	size_t len;

	frames[1].len = (uint32_t)recording_secret_seal(payload, &secret, key);
	char *out = export(frames, 3, &options, &len);
	assert_string_equal(out, "typed> su\ntyped> (7 bytes typed without echo)\n");
	free(out);
	options.format = EXPORT_ASCIICAST;
	out = export(frames, 3, &options, &len);
	assert_non_null(strstr(out, "[2.000,\"m\",\"(7 bytes typed without echo)\"]\n"));
	free(out);
	options.input = false;
	out = export(frames, 3, &options, &len);
	assert_null(strstr(out, "without echo"));
	free(out);
	options.format = EXPORT_TEXT;
	out = export(frames, 3, &options, &len);
	assert_string_equal(out, "");
	free(out);
	options.format = EXPORT_JSON;
	out = export(frames, 3, &options, &len);
	assert_non_null(strstr(out, "{\"ms\":2000,\"type\":\"SECRET\",\"viewer\":1,\"length\":7}"));
	free(out);
	opened = key;
	out = export(frames, 3, &options, &len);
	assert_non_null(strstr(out, "{\"ms\":2000,\"type\":\"KEYS\",\"viewer\":1,\"secret\":true,"
				    "\"text\":\"hunter2\"}"));
	free(out);
	options = (struct export_options){ .format = EXPORT_TEXT, .input = true };
	out = export(frames, 3, &options, &len);
	assert_string_equal(out, "typed> suhunter2\n");
	free(out);
	opened = NULL;
}

/* That nobody was attached is told in every form, as what it was. */
static void gap(void **state)
{
	static const struct recording_frame frames[] = {
		FRAME_OF(5000, VIEW_GAP, 0, "\2\0\0\0\240\17\0\0Nobody was attached for 4.0 s"),
	};
	struct export_options options = { .format = EXPORT_TEXT, .times = true };
	size_t len;
	char *out = export(frames, 1, &options, &len);

	assert_string_equal(out, "00:00:05.000  -- Nobody was attached for 4.0 s\n");
	free(out);
	options.format = EXPORT_ASCIICAST;
	out = export(frames, 1, &options, &len);
	assert_non_null(strstr(out, "[5.000,\"m\",\"Nobody was attached for 4.0 s\"]\n"));
	free(out);
	options.format = EXPORT_JSON;
	out = export(frames, 1, &options, &len);
	json_t *root = json_loadb(out, len, 0, NULL);
	json_t *event = json_array_get(json_object_get(root, "events"), 0);
	assert_string_equal(json_string_value(json_object_get(event, "type")), "GAP");
	assert_int_equal(json_integer_value(json_object_get(event, "why")), GAP_LOST);
	assert_int_equal(json_integer_value(json_object_get(event, "gap_ms")), 4000);
	assert_string_equal(json_string_value(json_object_get(event, "words")),
		"Nobody was attached for 4.0 s");
	json_decref(root);
	free(out);
}

/* Frames whose payload is not what their type promises: read as nothing, never beyond. */
static void short_payloads(void **state)
{
	struct recording_frame frames[256];
	static const enum export_format formats[] = { EXPORT_ASCIICAST, EXPORT_TEXT, EXPORT_JSON };

	for (unsigned len = 0; len < 9; len++) {
		uint8_t *payload =
			malloc(len + 1); /* so that a byte beyond is seen by the sanitizer */
		memset(payload, 1, len + 1);
		for (unsigned i = 0; i < 256; i++)
			frames[i] = (struct recording_frame){ i, (uint8_t)i, 0, len, payload };
		for (unsigned f = 0; f < ARRAY_LEN(formats); f++) {
			struct export_options options = { formats[f], true, true };
			size_t size;
			free(export(frames, 256, &options, &size));
		}
		free(payload);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asciicast),
		cmocka_unit_test(asciicast_without_size),
		cmocka_unit_test(text),
		cmocka_unit_test(json),
		cmocka_unit_test(unseen),
		cmocka_unit_test(gap),
		cmocka_unit_test(short_payloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
