/* SPDX-License-Identifier: Apache-2.0 */
#include "api/recording_key.c"

#include "fake.h"

#define ID "0000000000000000000000000000000000000001"

static void add_session(struct broker *broker)
{
	struct session_row session = fixture_session(broker->fixture, 1);
	int64_t id;
	assert_int_equal(store_session_add(broker->fixture->store, &session, &id), 0);
	broker->recordings = open(broker->fixture->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(broker->recordings >= 0);
}

static void put_file(struct broker *broker, const void *bytes, size_t len)
{
	int fd = openat(broker->recordings, ID ".rec", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void put_recording(struct broker *broker, const char *session_id)
{
	struct recording_header header = { .version = RECORDING_VERSION,
		.aead = RECORDING_AEAD_XCHACHA20_POLY1305,
		.compression = RECORDING_COMPRESSION_ZSTD,
		.chain = RECORDING_CHAIN_BLAKE2B_256,
		.signature = RECORDING_SIGNATURE_ED25519,
		.key_version = 3,
		.wrapped_len = 5,
		.wrapped = "wrap!",
		.facts_len = 2,
		.facts = "{}" };
	CLEANUP(buf_finish) struct buf out = BUF(RECORDING_HEADER_MAX);
	uint8_t head[HASH_LEN];
	assert_int_equal(text_copy(header.session_id, SESSION_ID_SIZE, session_id), 0);
	assert_int_equal(recording_header_write(&out, &header, head), 0);
	put_file(broker, out.data, out.len);
}

static int ask(struct broker *broker, const char *session_id, char written[16])
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	fake_fds(-1, ends[1]);
	int r = fake_call(broker, &control_recording_key, "session_id", session_id, NULL);
	close(ends[1]);
	memset(written, 0, 16);
	assert_true(read(ends[0], written, 15) >= 0);
	close(ends[0]);
	return r;
}

static int drop(struct broker *broker)
{
	unlinkat(broker->recordings, ID ".rec", 0);
	return close(broker->recordings);
}

static void the_key_goes_to_the_caller(void **state)
{
	struct broker broker = fake_broker(state);
	char written[16];
	add_session(&broker);
	put_recording(&broker, ID);
	assert_int_equal(ask(&broker, ID, written), 0);
	assert_string_equal(written, "wrap!");
	assert_string_equal(broker.opened, ID);
	assert_string_equal(fake_object(), "recording:" ID);
	assert_string_equal(fake_audit_at("user"), "ana");
	broker.vault_result = -ERR_SEALED;
	assert_int_equal(ask(&broker, ID, written), -ERR_SEALED);
	assert_string_equal(written, "");
	assert_int_equal(fake_call(&broker, &control_recording_key, "session_id", ID, NULL),
		-ERR_PARAMETER_MISSING);
	drop(&broker);
}

static void other_files_are_not_read(void **state)
{
	struct broker broker = fake_broker(state);
	char written[16];
	add_session(&broker);
	assert_int_equal(ask(&broker, "../sallyport", written), -ERR_RECORDING_NOT_FOUND);
	assert_int_equal(ask(&broker, "0000000000000000000000000000000000000002", written),
		-ERR_RECORDING_NOT_FOUND);                                     /* no such session */
	assert_int_equal(ask(&broker, ID, written), -ERR_RECORDING_NOT_FOUND); /* no file */
	assert_int_equal(symlinkat("sallyport.db", broker.recordings, ID ".rec"), 0);
	assert_int_equal(ask(&broker, ID, written), -ERR_SYSTEM);
	assert_int_equal(unlinkat(broker.recordings, ID ".rec", 0), 0);
	put_file(&broker, "not a recording", 15);
	assert_int_equal(ask(&broker, ID, written), -ERR_MALFORMED);
	put_recording(&broker, "0000000000000000000000000000000000000007");
	assert_int_equal(ask(&broker, ID, written), -ERR_CRYPTO); /* another session's file */
	assert_string_equal(written, "");
	drop(&broker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(the_key_goes_to_the_caller),
		API_CASE(other_files_are_not_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
