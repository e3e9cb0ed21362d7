/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "../recorder/fixture.h"
#include "ctl/recordings.c"
#include "wire/view.h"

#define KEY_GIVEN "{\"response\":{\"message\":\"given\"}}"

/* An installation with its public key and one recording, of 4 chunks. */
struct scene {
	struct desk *desk;
	struct fixture fixture;
	struct made made;
	char file[128], other[128]; /* the recording; a path where nothing is */
};

static void put_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void put_public_key(struct scene *scene, const char *name, const uint8_t key[32])
{
	char path[128];
	EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);

	snprintf(path, sizeof path, "%s/%s", scene->desk->directory, name);
	BIO *out = BIO_new_file(path, "w");
	assert_int_equal(PEM_write_bio_PUBKEY(out, public), 1);
	BIO_free(out);
	EVP_PKEY_free(public);
}

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	desk_open((void **)&scene->desk);
	fixture_init(&scene->fixture);
	made_init(&scene->made, &scene->fixture, 4, true);
	snprintf(scene->file, sizeof scene->file, "%s/recordings", scene->desk->directory);
	assert_int_equal(mkdir(scene->file, 0700), 0);
	snprintf(scene->file, sizeof scene->file, "%s/recordings/" FIXTURE_SESSION ".rec",
		scene->desk->directory);
	snprintf(scene->other, sizeof scene->other, "%s/other", scene->desk->directory);
	put_file(scene->file, scene->made.file.data, scene->made.file.len);
	put_public_key(scene, "installation.pem", scene->fixture.installation_public);
	scene->desk->answers[0] = KEY_GIVEN;
	scene->desk->secret_out = (const char *)scene->fixture.key;
	scene->desk->secret_len = RECORDING_KEY_LEN;
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	buf_finish(&scene->made.file);
	desk_close((void **)&scene->desk);
	free(scene);
	return 0;
}

static void verifies_by_file_without_a_gateway(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(desk_run(scene->desk, "recording", "verify", scene->file, NULL), CLI_OK);
	assert_non_null(strstr(scene->desk->out, "intact"));
	assert_int_equal(
		desk_run(scene->desk, "--json", "recording", "verify", FIXTURE_SESSION, NULL),
		CLI_OK);
	assert_non_null(strstr(scene->desk->out, "\"verdict\":\"intact\""));
	assert_string_equal(scene->desk->error, "");
}

static void alterations_are_a_failure(void **state)
{
	struct scene *scene = *state;

	scene->made.file.data[scene->made.records[2] + 40] ^= 1;
	put_file(scene->other, scene->made.file.data, scene->made.file.len);
	assert_int_equal(
		desk_run(scene->desk, "recording", "verify", scene->other, NULL), CLI_ALTERED);
	assert_null(strstr(scene->desk->out, "intact"));
	assert_non_null(strstr(scene->desk->out, "altered"));
	put_file(scene->other, "no recording", 12);
	assert_int_equal(
		desk_run(scene->desk, "recording", "verify", scene->other, NULL), CLI_FAILED);
}

static void a_cut_has_its_own_exit_code(void **state)
{
	struct scene *scene = *state;

	put_file(scene->other, scene->made.file.data, scene->made.records[3]);
	assert_int_equal(desk_run(scene->desk, "recording", "verify", scene->other, NULL), CLI_CUT);
	assert_non_null(strstr(scene->desk->out, "cut short after second"));
}

static void a_witness_without_a_word_is_no_comparison(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(desk_run(scene->desk, "recording", "verify", scene->file, "--witness",
				 "/dev/null", NULL),
		CLI_FAILED);
	desk_complained(scene->desk, "the witness file has no head of this recording");
	assert_non_null(strstr(scene->desk->out, "witness      0 of 0 heads agree"));
	assert_int_equal(desk_run(scene->desk, "--json", "recording", "verify", scene->file,
				 "--witness", "/dev/null", NULL),
		CLI_FAILED);
	assert_non_null(strstr(scene->desk->out, "\"witness\":{\"heads\":0,"));
	assert_int_equal(desk_run(scene->desk, "recording", "verify", scene->file, "--witness",
				 "/nonesuch", NULL),
		CLI_FAILED);
	assert_string_equal(scene->desk->out, "");
}

static void short_ids_are_asked_for(void **state)
{
	struct scene *scene = *state;

	desk_gateway(scene->desk);
	scene->desk->secret_out = NULL;
	scene->desk->answers[0] =
		"{\"response\":{},\"session\":{\"session_id\":\"" FIXTURE_SESSION "\"}}";
	assert_int_equal(desk_run(scene->desk, "recording", "verify", "17", NULL), CLI_OK);
	desk_called(scene->desk, 0, "GET /control/session/show", "id=17");
	assert_non_null(strstr(scene->desk->out, "intact"));
	scene->desk->answers[0] = "{\"response\":{\"error\":true,\"message\":\"No session\"}}";
	assert_int_equal(desk_run(scene->desk, "recording", "verify", "18", NULL), CLI_FAILED);
	assert_string_equal(scene->desk->error, "sallyport: No session\n");
	scene->desk->answers[0] = "{\"response\":{},\"session\":{\"session_id\":null}}";
	assert_int_equal(desk_run(scene->desk, "recording", "verify", "18", NULL), CLI_FAILED);
}

static void what_is_not_there_is_said(void **state)
{
	struct scene *scene = *state;
	char digits[SESSION_ID_SIZE], said[256];

	assert_int_equal(desk_run(scene->desk, "recording", "verify", scene->other, NULL), 1);
	snprintf(said, sizeof said, "sallyport: %s: No such file or directory\n", scene->other);
	assert_string_equal(scene->desk->error, said);
	memset(digits, 'a', sizeof digits - 1);
	digits[sizeof digits - 1] = '\0';
	assert_int_equal(desk_run(scene->desk, "recording", "verify", digits, NULL), CLI_FAILED);
	desk_complained(scene->desk, "sallyport: recording aaaa");
	assert_int_equal(desk_run(scene->desk, "recording", "verify", "nonesuch", NULL), 1);
	desk_complained(scene->desk, "sallyport: nonesuch: No such file or directory\n");
}

static void the_key_of_the_installation_counts(void **state)
{
	struct scene *scene = *state;
	char option[160];

	put_public_key(scene, "foreign.pem", scene->fixture.vault_public);
	snprintf(option, sizeof option, "--certificate=%s/foreign.pem", scene->desk->directory);
	assert_int_equal(desk_run(scene->desk, "recording", "verify", scene->file, option, NULL),
		CLI_FOREIGN);
	assert_null(strstr(scene->desk->out, "intact"));
	desk_file(scene->desk, "foreign.pem", "no key");
	assert_int_equal(
		desk_run(scene->desk, "recording", "verify", scene->file, option, NULL), 1);
	desk_complained(scene->desk, "foreign.pem: not an installation's public key");
	assert_int_equal(desk_run(scene->desk, "recording", "verify", scene->file,
				 "--certificate=/nonesuch", NULL),
		CLI_FAILED);
	desk_complained(scene->desk, "/nonesuch: No such file or directory");
}

static void exports_with_the_key(void **state)
{
	struct scene *scene = *state;
	char params[1024];
	struct recording_header *header = &scene->fixture.header;
	int len = snprintf(params, sizeof params, "session_id=" FIXTURE_SESSION " wrapped=");

	desk_gateway(scene->desk);
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->file, "--format",
				 "asciicast", NULL),
		CLI_OK);
	hex_encode(params + len, header->wrapped, header->wrapped_len);
	snprintf(params + strlen(params), sizeof params - strlen(params), " key_version=3");
	desk_called(scene->desk, 0, "POST /control/recording/key", params);
	assert_int_equal(scene->desk->calls[0].fd_count, 1);
	assert_memory_equal(scene->desk->out, "{\"version\"", 10);
	assert_string_equal(scene->desk->error, "");
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->file, NULL), CLI_OK);
	assert_true(scene->desk->out[0] != '\0' && scene->desk->out[0] != '{');
	assert_int_equal(
		desk_run(scene->desk, "recording", "export", scene->file, "--format=json", NULL),
		CLI_OK);
	assert_true(scene->desk->out[0] == '{' || scene->desk->out[0] == '[');
}

static void exports_into_a_new_file(void **state)
{
	struct scene *scene = *state;
	struct stat stat_before, stat_after;

	desk_gateway(scene->desk);
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->file, "--output",
				 scene->other, NULL),
		CLI_OK);
	desk_said(scene->desk, "");
	assert_int_equal(stat(scene->other, &stat_before), 0);
	assert_true(stat_before.st_size > 0);
	/* A second time it is in the way, which is found before the key is asked for. */
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->file, "--output",
				 scene->other, NULL),
		CLI_FAILED);
	desk_complained(scene->desk, "/other: File exists\n");
	assert_int_equal(scene->desk->call_count, 1);
	assert_int_equal(stat(scene->other, &stat_after), 0);
	assert_int_equal(stat_after.st_size, stat_before.st_size);
}

static void refused_exports_leave_nothing(void **state)
{
	struct scene *scene = *state;

	desk_gateway(scene->desk);
	scene->desk->secret_out = NULL;
	scene->desk->answers[0] = "{\"response\":{\"error\":true,\"message\":\"Not yours\"}}";
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->file, "--output",
				 scene->other, NULL),
		CLI_FAILED);
	assert_string_equal(scene->desk->error, "sallyport: Not yours\n");
	assert_int_equal(access(scene->other, F_OK), -1);
	scene->desk->answers[0] = KEY_GIVEN; /* but no key comes */
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->file, NULL), 1);
	desk_complained(scene->desk, "the key of this recording did not come");
	scene->desk->secret_out = "another key, of thirty-two bytes";
	scene->desk->secret_len = RECORDING_KEY_LEN;
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->file, NULL), 1);
	desk_said(scene->desk, "");
	put_file(scene->other, "no recording", 12);
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->other, NULL), 1);
	assert_string_equal(scene->desk->error, "sallyport: this is not a recording\n");
}

static void cut_recordings_are_exported_with_a_warning(void **state)
{
	struct scene *scene = *state;

	unsigned last = scene->made.record_count - 1;

	while (scene->made.types[last] != RECORDING_CHUNK)
		last--;
	desk_gateway(scene->desk);
	put_file(scene->other, scene->made.file.data, scene->made.records[last]);
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->other, NULL), CLI_OK);
	desk_complained(scene->desk, "warning: the recording was cut short");
	assert_true(scene->desk->out[0] != '\0');
	scene->made.file.data[scene->made.records[3] + 40] ^= 1;
	put_file(scene->other, scene->made.file.data, scene->made.file.len);
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->other, NULL), 1);
	desk_complained(scene->desk, " is not whole; what came before it was exported");
}

/* Another recording in its place, with something kept apart: under the same key, for the test. */
static void keep_apart(struct scene *scene, uint8_t wrapped[RECORDING_SECRETS_WRAPPED_LEN])
{
	struct chunk chunk;
	struct chain chain;
	struct packer packer;
	uint8_t public_key[32], payload[64], *record;
	struct recording_secret secret = { .type = VIEW_KEYS,
		.viewer = 1,
		.number = 1,
		.bytes = (const uint8_t *)"hunter2",
		.len = 7 };
	struct recording_frame frame = { 5, RECORDING_SECRET, 1, 0, payload };
	size_t len;

	assert_int_equal(packer_init(&packer), 0);
	chunk_init(&chunk);
	chain_init(&chain, FIXTURE_SESSION, public_key);
	fixture_certify(&scene->fixture, public_key, chunk.key);
	assert_int_equal(recording_secrets_wrap(
				 FIXTURE_SESSION, chunk.key, scene->fixture.vault_public, wrapped),
		0);
	assert_int_equal(chain_header(&chain, &scene->fixture.header), 0);
	assert_int_equal(chain_room(&chain, RECORDING_SECRETS_WRAPPED_LEN, &record), 0);
	recording_record_head(record, RECORDING_SECRETS_KEY, RECORDING_SECRETS_WRAPPED_LEN);
	memcpy(record + RECORDING_RECORD_LEN, wrapped, RECORDING_SECRETS_WRAPPED_LEN);
	chain_add(&chain, record, RECORDING_SECRETS_WRAPPED_LEN);
	frame.len = (uint32_t)recording_secret_seal(payload, &secret, chunk.key);
	assert_int_equal(chunk_append(&chunk, &frame), 0);
	assert_int_equal(chunk_close(&chunk, &packer, &chain, false), 0);
	struct recording_end end = { .ms = chain.end_ms, .chunks = chain.chunks };
	assert_int_equal(chain_end(&chain, &end), 0);
	assert_int_equal(chain_sign(&chain), 0);
	uint8_t *bytes = chain_take(&chain, &len);
	put_file(scene->file, bytes, len);
	free(bytes);
	chunk_finish(&chunk);
	chain_finish(&chain);
	packer_finish(&packer);
}

static void what_was_typed_unseen_takes_another_key(void **state)
{
	struct scene *scene = *state;
	uint8_t wrapped[RECORDING_SECRETS_WRAPPED_LEN];
	char params[1024] = "session_id=" FIXTURE_SESSION " wrapped=";

	keep_apart(scene, wrapped);
	desk_gateway(scene->desk);
	assert_int_equal(desk_run(scene->desk, "recording", "verify", scene->file, NULL), CLI_OK);
	assert_int_equal(desk_run(scene->desk, "recording", "export", scene->file, NULL), CLI_OK);
	assert_int_equal(scene->desk->call_count, 1);
	desk_said(scene->desk, "typed> (7 bytes typed without echo)\n");
	assert_int_equal(
		desk_run(scene->desk, "recording", "export", scene->file, "--secrets", NULL),
		CLI_OK);
	assert_int_equal(scene->desk->call_count, 3);
	desk_said(scene->desk, "typed> hunter2\n");
	hex_encode(params + strlen(params), wrapped, sizeof wrapped);
	snprintf(params + strlen(params), sizeof params - strlen(params), " key_version=3");
	desk_called(scene->desk, 2, "POST /control/recording/secrets", params);
	assert_int_equal(
		desk_run(scene->desk, "recording", "play", scene->file, "--speed=64", NULL),
		CLI_OK);
	assert_non_null(strstr(scene->desk->out, "ended at 0:00 (7 bytes typed without echo)\n"));
	assert_null(strstr(scene->desk->out, "hunter2"));
	assert_int_equal(desk_run(scene->desk, "recording", "play", scene->file, "--speed=64",
				 "--secrets", NULL),
		CLI_OK);
	assert_non_null(strstr(scene->desk->out, "typed without echo: hunter2"));
	/* Where nothing is kept apart no key is asked for. */
	put_file(scene->file, scene->made.file.data, scene->made.file.len);
	unsigned calls = scene->desk->call_count;
	assert_int_equal(
		desk_run(scene->desk, "recording", "export", scene->file, "--secrets", NULL),
		CLI_FAILED);
	desk_complained(scene->desk, "this recording keeps nothing under a second key");
	assert_int_equal(scene->desk->call_count, calls);
}

static void plays(void **state)
{
	struct scene *scene = *state;

	desk_gateway(scene->desk);
	assert_int_equal(
		desk_run(scene->desk, "recording", "play", scene->file, "--speed=64", NULL),
		CLI_OK);
	assert_int_equal(scene->desk->call_count, 1);
	assert_true(strlen(scene->desk->out) > 10);
	assert_string_equal(scene->desk->error, "");
}

static void mistakes_are_usage_errors(void **state)
{
	static const char *const bad[][2] = { { "export", "--format=pdf" }, { "play", "--speed=0" },
		{ "play", "--speed=-1" }, { "play", "--speed=fast" }, { "play", "--speed=nan" },
		{ "play", "--speed=" }, { "play", "--longest-pause=90000" },
		{ "verify", "--speed=1" } };
	struct scene *scene = *state;

	desk_gateway(scene->desk);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			desk_run(scene->desk, "recording", bad[i][0], scene->file, bad[i][1], NULL),
			CLI_USAGE);
	assert_int_equal(scene->desk->call_count, 0);
}

static void lists_what_the_gateway_knows(void **state)
{
	struct scene *scene = *state;

	desk_gateway(scene->desk);
	scene->desk->answers[0] = "{\"response\":{},\"recordings\":[{\"session\":\"4\",\"user\":"
				  "\"ana\",\"device\":\"db1\",\"session_id\":\"abc\"}]}";
	assert_int_equal(desk_run(scene->desk, "recording", "list", "--limit=3", NULL), CLI_OK);
	desk_called(scene->desk, 0, "GET /control/recording/list", "limit=3");
	assert_non_null(strstr(scene->desk->out, "4   ana   db1"));
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(verifies_by_file_without_a_gateway),
		SCENE(alterations_are_a_failure),
		SCENE(a_cut_has_its_own_exit_code),
		SCENE(a_witness_without_a_word_is_no_comparison),
		SCENE(short_ids_are_asked_for),
		SCENE(what_is_not_there_is_said),
		SCENE(the_key_of_the_installation_counts),
		SCENE(exports_with_the_key),
		SCENE(exports_into_a_new_file),
		SCENE(refused_exports_leave_nothing),
		SCENE(cut_recordings_are_exported_with_a_warning),
		SCENE(what_was_typed_unseen_takes_another_key),
		SCENE(plays),
		SCENE(mistakes_are_usage_errors),
		SCENE(lists_what_the_gateway_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
