/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include "../recorder/fixture.h"
#include "base/encode.h"
#include "ctl/receipts.c"
#include "past.h"

#define TEXT                                                                                       \
	"{\"receipt\":1,\"session\":\"7\",\"user\":\"ana\",\"device\":\"db1\",\"reason\":\"\","    \
	"\"exit_status\":0}"

struct scene {
	struct desk *desk;
	struct past *past;
	struct receipt receipt;
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	desk_open((void **)&scene->desk);
	scene->past = past_create(1, 1);
	desk_pem(scene->desk, "installation.pem", scene->past->installation);
	text_copy(scene->receipt.text, sizeof scene->receipt.text, TEXT);
	scene->receipt.signer = scene->past->signer;
	assert_int_equal(
		receipt_sign(TEXT, strlen(TEXT), scene->past->key_secret, scene->receipt.signature),
		0);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	desk_close((void **)&scene->desk);
	free(scene->past);
	free(scene);
	return 0;
}

static json_t *hex(const void *bytes, size_t len)
{
	char text[129];

	hex_encode(text, bytes, len);
	return json_string(text);
}

static json_t *object_of(const struct receipt *receipt)
{
	const struct signer *signer = &receipt->signer;

	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "text", receipt->text, "signature",
		hex(receipt->signature, 64), "key", hex(signer->public_key, 32), "trail",
		hex(signer->trail, HASH_LEN), "certificate",
		signer->certified ? hex(signer->certificate, 64) : json_null());
}

static const char *file_of(struct scene *scene, json_t *object)
{
	static char path[128];
	char *text = json_dumps(object, 0);

	desk_file(scene->desk, "receipt.json", text);
	snprintf(path, sizeof path, "%s/receipt.json", scene->desk->directory);
	free(text);
	json_decref(object);
	return path;
}

static int verify(struct scene *scene, json_t *object)
{
	return desk_run(scene->desk, "receipt", "verify", file_of(scene, object), NULL);
}

static void a_genuine_one_is_repeated(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(verify(scene, object_of(&scene->receipt)), CLI_OK);
	desk_said(scene->desk, "genuine: signed by a key that this installation certified\n"
			       "receipt      1\nsession      7\nuser         ana\n"
			       "device       db1\nreason       \nexit_status  0\n");
	const char *path = file_of(scene, object_of(&scene->receipt));
	assert_int_equal(desk_run(scene->desk, "receipt", "verify", path, "--json", NULL), CLI_OK);
	json_t *said = json_loads(scene->desk->out, 0, NULL);
	json_t *want = json_loads(TEXT, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(said, "verdict")), "genuine");
	assert_true(json_equal(json_object_get(said, "receipt"), want));
	json_decref(said);
	json_decref(want);
}

/* As the API and the command line give it. */
static void it_may_be_wrapped(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(
		verify(scene, json_pack("{s:o}", "receipt", object_of(&scene->receipt))), CLI_OK);
	assert_int_equal(
		verify(scene, json_pack("{s:i, s:{s:s, s:o}}", "code", 200, "session", "state",
				      "ended", "receipt", object_of(&scene->receipt))),
		CLI_OK);
}

static void what_was_changed_is_not_repeated(void **state)
{
	struct scene *scene = *state;
	struct receipt changed = scene->receipt;

	memcpy(strstr(changed.text, "ana"), "eva", 3);
	assert_int_equal(verify(scene, object_of(&changed)), CLI_ALTERED);
	desk_said(scene->desk, "altered: the signature is not of this text\n");
	changed = scene->receipt;
	changed.signature[63] ^= 1;
	const char *path = file_of(scene, object_of(&changed));
	assert_int_equal(
		desk_run(scene->desk, "receipt", "verify", path, "--json", NULL), CLI_ALTERED);
	assert_non_null(strstr(scene->desk->out, "\"verdict\":\"altered\""));
	assert_non_null(strstr(scene->desk->out, "\"receipt\":null"));
	changed = scene->receipt;
	changed.signer.public_key[0] ^= 1;
	assert_int_equal(verify(scene, object_of(&changed)), CLI_ALTERED);
}

static void nobody_else_can_vouch(void **state)
{
	struct scene *scene = *state;
	struct receipt changed = scene->receipt;
	struct past *other = past_create(1, 1);
	char path[128];

	changed.signer.certificate[5] ^= 1;
	assert_int_equal(verify(scene, object_of(&changed)), CLI_FOREIGN);
	changed = scene->receipt;
	changed.signer.trail[5] ^= 1; /* certified, for another trail */
	assert_int_equal(verify(scene, object_of(&changed)), CLI_FOREIGN);
	desk_said(scene->desk, "not certified: this installation did not certify the key\n");
	changed.signer.certified = false;
	assert_int_equal(verify(scene, object_of(&changed)), CLI_UNPROVEN);
	desk_said(
		scene->desk, "unproven: the key was not certified yet: fetch the receipt again\n");
	/* the key of another installation; then the right one, named */
	desk_pem(scene->desk, "other.pem", other->installation);
	snprintf(path, sizeof path, "%s/other.pem", scene->desk->directory);
	const char *file = file_of(scene, object_of(&scene->receipt));
	assert_int_equal(
		desk_run(scene->desk, "receipt", "verify", file, "--certificate", path, NULL),
		CLI_FOREIGN);
	snprintf(path, sizeof path, "%s/installation.pem", scene->desk->directory);
	assert_int_equal(
		desk_run(scene->desk, "receipt", "verify", file, "--certificate", path, NULL),
		CLI_OK);
	free(other);
}

/* A head of the trail, whose signature is by the same key, is no receipt; nor a recording's. */
static void another_signature_of_the_key_is_none(void **state)
{
	struct scene *scene = *state;
	struct receipt changed = scene->receipt;

	memcpy(changed.signature, scene->past->heads[0].signature, 64);
	assert_int_equal(verify(scene, object_of(&changed)), CLI_ALTERED);
}

static void anything_else_is_no_receipt(void **state)
{
	static const char *const bad[] = { "", "{}", "[]", "7", "{\"text\":7}", "{\"text\":\"\"}",
		"{\"text\":\"a\\u0000b\"}", "{\"receipt\":null}", "{\"receipt\":{\"text\":\"{}\"}}",
		"{\"text\":\"{}\",\"text\":\"{}\"}", "{\"session\":{\"receipt\":null}}" };
	struct scene *scene = *state;
	char path[128];

	snprintf(path, sizeof path, "%s/bad", scene->desk->directory);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		desk_file(scene->desk, "bad", bad[i]);
		assert_int_equal(
			desk_run(scene->desk, "receipt", "verify", path, NULL), CLI_FAILED);
		desk_complained(scene->desk, "bad: not a receipt");
	}
	static const char *const names[] = { "text", "signature", "key", "trail", "certificate" };
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		json_t *object = object_of(&scene->receipt);
		json_object_del(object, names[i]);
		assert_int_equal(verify(scene, object), CLI_FAILED);
		object = object_of(&scene->receipt);
		json_object_set_new(object, names[i], json_string("00ff"));
		assert_int_equal(verify(scene, object), i == 0 ? CLI_ALTERED : CLI_FAILED);
	}
	/* longer than any */
	char *large = calloc(1, RECEIPT_FILE_MAX + 2);
	memset(large, 'x', RECEIPT_FILE_MAX + 1);
	assert_int_equal(verify(scene, json_pack("{s:s}", "text", large)), CLI_FAILED);
	large[RECEIPT_MAX + 1] = '\0';
	assert_int_equal(verify(scene, json_pack("{s:s}", "text", large)), CLI_FAILED);
	free(large);
	assert_int_equal(desk_run(scene->desk, "receipt", "verify", scene->desk->directory, NULL),
		CLI_FAILED);
	assert_int_equal(desk_run(scene->desk, "receipt", "verify", "/nonesuch", NULL), CLI_FAILED);
	desk_complained(scene->desk, "/nonesuch: No such file");
	assert_int_equal(desk_run(scene->desk, "receipt", "verify", path, "--certificate",
				 "/nonesuch", NULL),
		CLI_FAILED);
}

/* A receipt of the fixture's installation: it says what_of_recording of the recording. */
static json_t *receipt_of_recording(struct scene *scene, const char *what_of_recording)
{
	struct receipt *receipt = &scene->receipt;

	snprintf(receipt->text, sizeof receipt->text,
		"{\"receipt\":1,\"session\":\"7\",\"recording\":%s}", what_of_recording);
	assert_int_equal(receipt_sign(receipt->text, strlen(receipt->text), scene->past->key_secret,
				 receipt->signature),
		0);
	return object_of(receipt);
}

static int verify_with(
	struct scene *scene, const char *id, const uint8_t head[HASH_LEN], const char *recording)
{
	char said[256], digits[2 * HASH_LEN + 1];

	hex_encode(digits, head, HASH_LEN);
	snprintf(said, sizeof said, "{\"id\":\"%s\",\"sealed\":true,\"head\":\"%s\"}", id, digits);
	return desk_run(scene->desk, "receipt", "verify",
		file_of(scene, receipt_of_recording(scene, said)), "--recording", recording, NULL);
}

static const char *put(struct scene *scene, const char *name, const void *bytes, size_t len)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", scene->desk->directory, name);
	desk_bytes(scene->desk, name, bytes, len);
	return path;
}

static void a_recording_is_the_one_it_is_of(void **state)
{
	struct scene *scene = *state;
	struct recording_report report;
	struct fixture fixture;
	struct made made;
	char other[SESSION_ID_SIZE] = FIXTURE_SESSION;

	fixture_init(&fixture);
	made_init(&made, &fixture, 4, true);
	memcpy(scene->past->installation, fixture.installation_public, 32);
	memcpy(scene->past->installation_secret, fixture.installation_secret, 64);
	past_certify(scene->past, &scene->receipt.signer);
	desk_pem(scene->desk, "installation.pem", fixture.installation_public);
	int fd = fixture_file(made.file.data, made.file.len);
	assert_int_equal(recording_verify(fd, fixture.installation_public, &report), 0);
	close(fd);

	const char *path = put(scene, "whole.rec", made.file.data, made.file.len);
	assert_int_equal(verify_with(scene, FIXTURE_SESSION, report.head, path), CLI_OK);
	assert_non_null(
		strstr(scene->desk->out, "recording intact: and the one that the receipt is of\n"));
	report.head[31] ^= 1;
	assert_int_equal(verify_with(scene, FIXTURE_SESSION, report.head, path), CLI_DISAGREES);
	assert_non_null(strstr(scene->desk->out,
		"recording disagrees: the receipt has another head of this session\n"));
	report.head[31] ^= 1;
	other[0] = '1';
	assert_int_equal(verify_with(scene, other, report.head, path), CLI_DISAGREES);
	assert_non_null(strstr(scene->desk->out, "it is of another session\n"));
	const char *file = file_of(scene, receipt_of_recording(scene, "null"));
	assert_int_equal(
		desk_run(scene->desk, "receipt", "verify", file, "--recording", path, NULL),
		CLI_UNPROVEN);
	/* a receipt that is not genuine says nothing of any recording */
	memcpy(strstr(scene->receipt.text, "\"7\""), "\"8\"", 3);
	file = file_of(scene, object_of(&scene->receipt));
	assert_int_equal(desk_run(scene->desk, "--json", "receipt", "verify", file, "--recording",
				 path, NULL),
		CLI_ALTERED);
	assert_null(strstr(scene->desk->out, "\"recording\""));

	made.file.data[made.records[1] + 30] ^= 1;
	path = put(scene, "altered.rec", made.file.data, made.file.len);
	assert_int_equal(verify_with(scene, FIXTURE_SESSION, report.head, path), CLI_ALTERED);
	made.file.data[made.records[1] + 30] ^= 1;
	path = put(scene, "cut.rec", made.file.data, made.records[made.record_count - 1]);
	assert_int_equal(verify_with(scene, FIXTURE_SESSION, report.head, path), CLI_CUT);
	assert_non_null(strstr(scene->desk->out, "recording cut: cut short after second"));
	assert_int_equal(verify_with(scene, FIXTURE_SESSION, report.head, "/nonesuch"), CLI_FAILED);
	assert_int_equal(verify_with(scene, FIXTURE_SESSION, report.head, scene->desk->directory),
		CLI_FAILED);
	buf_finish(&made.file);
}

static void it_is_fetched_for_a_file(void **state)
{
	struct scene *scene = *state;
	json_t *object = object_of(&scene->receipt);
	json_t *answer = json_pack("{s:i, s:{s:b, s:s}, s:O}", "code", 200, "response", "error", 0,
		"message", "Receipt", "receipt", object);
	char *text = json_dumps(answer, 0);

	desk_gateway(scene->desk);
	scene->desk->answers[0] = text;
	assert_int_equal(desk_run(scene->desk, "session", "receipt", "7", NULL), CLI_OK);
	desk_called(scene->desk, 0, "GET /control/session/receipt", "id=7");
	json_t *said = json_loads(scene->desk->out, 0, NULL);
	assert_true(json_equal(said, object));
	json_decref(said);
	scene->desk->answers[0] =
		"{\"code\":409,\"response\":{\"error\":true,\"message\":\"There is "
		"no receipt of it yet: it has not ended\"}}";
	assert_int_equal(desk_run(scene->desk, "session", "receipt", "7", NULL), CLI_FAILED);
	desk_complained(scene->desk, "it has not ended");
	free(text);
	json_decref(answer);
	json_decref(object);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_genuine_one_is_repeated),
		SCENE(it_may_be_wrapped),
		SCENE(what_was_changed_is_not_repeated),
		SCENE(nobody_else_can_vouch),
		SCENE(another_signature_of_the_key_is_none),
		SCENE(anything_else_is_no_receipt),
		SCENE(a_recording_is_the_one_it_is_of),
		SCENE(it_is_fetched_for_a_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
