/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/outlets.c"

#include <fcntl.h>

#include "receiver.h"

static struct witness witness;

static int set_up(void **state)
{
	int r = stand_open(state);
	struct stand *stand = *state;

	memset(&witness, 0, sizeof witness);
	settings_defaults(&witness.process.settings);
	witness.process.loop = stand->loop;
	witness.host = stand->host;
	for (unsigned i = 0; i < ARRAY_LEN(witness.files); i++)
		witness.files[i].directory = witness.files[i].fd = -1;
	return r;
}

static int tear_down(void **state)
{
	outlets_end(&witness);
	for (unsigned i = 0; i < witness.process.given_count; i++)
		fd_closep(&witness.process.given[i].fd);
	return stand_close(state);
}

static void give(const char *name, int fd)
{
	struct process *process = &witness.process;

	text_copy(process->given[process->given_count].name, 32, name);
	process->given[process->given_count++].fd = fd;
}

static void give_text(const struct stand *stand, const char *name, const char *text)
{
	int fd = openat(stand->fd, name, O_RDWR | O_CREAT, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	give(name, fd); /* where it ends: a process before this one read it */
}

#define SET(name, value)                                                                           \
	text_copy(witness.process.settings.name, sizeof witness.process.settings.name, value)

static void test_nothing_is_wanted(void **state)
{
	assert_int_equal(outlets_open(&witness), 0);
	for (unsigned i = 0; i < OUTLET_COUNT; i++) {
		assert_null(witness.outlets[i].kind);
		assert_int_equal(witness.outlets[i].id, i);
	}
	outlets_begin(&witness);
}

static void test_files(void **state)
{
	struct stand *stand = *state;

	SET(audit_mirror, "/disk/audit.jsonl");
	SET(witness_file, "heads.jsonl");
	give("mirror", dup(stand->fd));
	give("witness-file", dup(stand->fd));
	assert_int_equal(outlets_open(&witness), 0);
	const struct outlet *mirror = &witness.outlets[OUTLET_MIRROR],
			    *file = &witness.outlets[OUTLET_FILE];
	assert_true(mirror->rows && mirror->whole && !mirror->recordings);
	assert_true(!file->rows && !file->whole && file->recordings);
	assert_string_equal(witness.files[0].name, "audit.jsonl");
	assert_string_equal(witness.files[1].name, "heads.jsonl");
	witness.positions.known[OUTLET_MIRROR] = true;
	witness.positions.rows[OUTLET_MIRROR] = stand_position(7);
	outlets_begin(&witness);
	assert_int_equal(mirror->taken.sequence, 7);
	assert_int_equal(faccessat(stand->fd, "audit.jsonl", F_OK, 0), 0);
	assert_int_equal(faccessat(stand->fd, "heads.jsonl", F_OK, 0), 0);
}

static void test_a_directory_that_was_not_given(void **state)
{
	SET(audit_mirror, "/disk/audit.jsonl");
	assert_int_equal(outlets_open(&witness), -ERR_MALFORMED);
}

static void test_syslog(void **state)
{
	struct stand *stand = *state;
	struct authority authority;

	authority_create(&authority, "localhost");
	give_text(stand, "authorities", authority.pem);
	SET(witness_syslog, "tls://127.0.0.1:6514");
	SET(witness_syslog_form, "cef");
	SET(witness_required, "yes");
	assert_int_equal(outlets_open(&witness), 0);
	const struct outlet *outlet = &witness.outlets[OUTLET_SYSLOG];
	assert_true(outlet->rows && outlet->recordings && !outlet->whole);
	assert_int_equal(outlet->heartbeat_ms, 10000);
	assert_true(witness.syslog.cef && witness.syslog.tls != NULL);
	authority_destroy(&authority);
}

static void test_heads_without_rows(void **state)
{
	SET(witness_syslog, "tcp://127.0.0.1");
	SET(witness_rows, "no");
	assert_int_equal(outlets_open(&witness), 0);
	assert_false(witness.outlets[OUTLET_SYSLOG].rows);
	assert_int_equal(witness.outlets[OUTLET_SYSLOG].heartbeat_ms, 0);
}

static void test_syslog_that_cannot_be(void **state)
{
	SET(witness_syslog, "udp://127.0.0.1");
	assert_int_equal(outlets_open(&witness), -ERR_MALFORMED);
	SET(witness_syslog, "tls://127.0.0.1"); /* without authorities */
	assert_int_equal(outlets_open(&witness), -ERR_MALFORMED);
}

static void test_webhook(void **state)
{
	struct stand *stand = *state;
	struct authority authority;

	authority_create(&authority, "localhost");
	give_text(stand, "authorities", authority.pem);
	give_text(stand, "webhook-key", "sixteen bytes or more\n");
	SET(witness_webhook, "https://127.0.0.1:8443/take");
	assert_int_equal(outlets_open(&witness), 0);
	assert_true(witness.outlets[OUTLET_WEBHOOK].rows);
	assert_int_equal(secret_len(witness.webhook.key), 21);
	assert_string_equal(witness.webhook.authorities, authority.pem);
	authority_destroy(&authority);
}

static void test_webhook_that_cannot_be(void **state)
{
	struct stand *stand = *state;

	SET(witness_webhook, "https://127.0.0.1/");
	assert_int_equal(outlets_open(&witness), -ERR_MALFORMED); /* no key */
	give_text(stand, "webhook-key", "short");
	assert_int_equal(outlets_open(&witness), -ERR_MALFORMED);
}

#define WITNESS(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITNESS(test_nothing_is_wanted),
		WITNESS(test_files),
		WITNESS(test_a_directory_that_was_not_given),
		WITNESS(test_syslog),
		WITNESS(test_heads_without_rows),
		WITNESS(test_syslog_that_cannot_be),
		WITNESS(test_webhook),
		WITNESS(test_webhook_that_cannot_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
