/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/syslog.c"

#include <signal.h>

#include "receiver.h"

static struct syslog out;

static void begin(struct stand *stand, const char *scheme, const struct receiver *receiver,
	const char *host, const char *authorities)
{
	char where[64];

	snprintf(where, sizeof where, "%s%s:%u", scheme, host, receiver->port);
	assert_int_equal(syslog_init(&out, where, false, authorities), 0);
	lookup_resolve(&out.lookup, 0);
	stand->outlet.recordings = true;
	stand_begin(stand, &syslog_kind, &out, NULL);
}

/* The receiver's file, checked frame by frame; how many there were. */
static unsigned frames(const struct receiver *receiver)
{
	CLEANUP(mem_freep) char *text = receiver_got(receiver);
	unsigned count = 0;
	char *at = text;

	while (*at != '\0') {
		char *message;
		unsigned long len = strtoul(at, &message, 10);
		assert_int_equal(*message, ' ');
		assert_true(strlen(message + 1) >= len);
		assert_int_equal(message[1], '<');
		assert_int_equal(message[len], '}');
		at = message + 1 + len;
		count++;
	}
	return count;
}

static void test_over_tcp(void **state)
{
	struct stand *stand = *state;
	struct receiver receiver = { .port = 0 };

	receiver_start(&receiver, stand, NULL);
	begin(stand, "tcp://", &receiver, "127.0.0.1", "");
	stand_newest(stand, 3);
	stand_newest(stand, 4);
	STAND_UNTIL(stand, stand->outlet.taken.sequence == 4);
	assert_true(stand->outlet.up);
	for (uint64_t i = 1; i <= 300; i++) {
		struct line line = stand_recording('a', i);
		outlet_head(&stand->outlet, &line);
		outlet_go(&stand->outlet);
	}
	STAND_UNTIL(stand, stand->outlet.lines == 302);
	STAND_UNTIL(stand, frames(&receiver) == 302);
	receiver_stop(&receiver);
}

static void test_over_tls(void **state)
{
	struct stand *stand = *state;
	struct authority authority;
	struct receiver receiver = { .port = 0 };

	authority_create(&authority, "localhost");
	receiver_start(&receiver, stand, &authority);
	begin(stand, "tls://", &receiver, "localhost", authority.pem);
	stand_newest(stand, 3);
	STAND_UNTIL(stand, stand->outlet.taken.sequence == 3);
	stand_newest(stand, 4); /* on the same connection */
	STAND_UNTIL(stand, frames(&receiver) == 2);
	assert_non_null(SSL_get0_peername(out.session));
	receiver_stop(&receiver);
	STAND_UNTIL(stand, !stand->outlet.up);
	authority_destroy(&authority);
}

static void refused(struct stand *stand, const char *host, const char *name,
	const struct authority *trusted, const char *why)
{
	struct authority authority;
	struct receiver receiver = { .port = 0 };

	authority_create(&authority, name);
	receiver_start(&receiver, stand, &authority);
	begin(stand, "tls://", &receiver, host, trusted != NULL ? trusted->pem : authority.pem);
	stand_newest(stand, 3);
	STAND_UNTIL(stand, !stand->outlet.up);
	assert_non_null(strstr(stand->outlet.why, why));
	CLEANUP(mem_freep) char *got = receiver_got(&receiver);
	assert_string_equal(got, "");
	receiver_stop(&receiver);
	authority_destroy(&authority);
}

static void test_a_name_that_is_not_its(void **state)
{
	refused(*state, "localhost", "gate.example", NULL, "certificate: hostname mismatch");
}

static void test_an_authority_that_is_not_ours(void **state)
{
	struct authority other;

	authority_create(&other, "localhost");
	refused(*state, "localhost", "localhost", &other, "certificate: ");
	authority_destroy(&other);
}

static void test_an_address_in_the_certificate(void **state)
{
	struct stand *stand = *state;
	struct authority authority;
	struct receiver receiver = { .port = 0 };

	authority_create(&authority, "gate.example");
	receiver_start(&receiver, stand, &authority);
	begin(stand, "tls://", &receiver, "127.0.0.1", authority.pem);
	stand_newest(stand, 3);
	STAND_UNTIL(stand, stand->outlet.taken.sequence == 3);
	receiver_stop(&receiver);
	authority_destroy(&authority);
}

static void test_no_tls_where_it_is_wanted(void **state)
{
	struct stand *stand = *state;
	struct authority authority;
	struct receiver receiver = { .closes = true };

	authority_create(&authority, "localhost");
	receiver_start(&receiver, stand, NULL);
	begin(stand, "tls://", &receiver, "127.0.0.1", authority.pem);
	stand_newest(stand, 3);
	STAND_UNTIL(stand, !stand->outlet.up);
	receiver_stop(&receiver);
	authority_destroy(&authority);
}

/* Away, then there: what waited goes out, and what was not acknowledged again. */
static void test_comes_back(void **state)
{
	struct stand *stand = *state;
	struct receiver receiver = { .port = 0 };

	receiver_listen(&receiver);
	close(receiver.listener);
	begin(stand, "tcp://", &receiver, "127.0.0.1", "");
	stand_newest(stand, 3);
	STAND_UNTIL(stand, !stand->outlet.up);
	assert_string_equal(stand->outlet.why, "127.0.0.1: Connection refused");
	receiver_start(&receiver, stand, NULL);
	STAND_UNTIL(stand, stand->outlet.taken.sequence == 3);
	assert_true(stand->outlet.up);
	receiver_stop(&receiver);
	STAND_UNTIL(stand, !stand->outlet.up);
	assert_non_null(strstr(stand->outlet.why, "127.0.0.1: "));
}

/* Accepts, and reads nothing: its machine acknowledges until its buffer is full. */
static void test_takes_nothing(void **state)
{
	struct stand *stand = *state;
	struct receiver receiver = { .silent = true };
	struct line line = stand_recording('a', 1);

	receiver_start(&receiver, stand, NULL);
	begin(stand, "tcp://", &receiver, "127.0.0.1", "");
	for (int i = 0; i < 40000 && stand->outlet.stage != OUTLET_SENDING; i++)
		for (int j = 0; j < 512; j++) {
			line.recording.number++;
			heads_put(&stand->outlet.heads, &line);
			outlet_go(&stand->outlet);
			if (j == 511)
				stand_run(stand, 1);
		}
	STAND_UNTIL(stand, out.stage == SYSLOG_OPEN);
	for (int i = 0; i < 200 && !(out.written > 0 && out.written < stand->outlet.batch.len);
		i++) {
		for (int j = 0; j < 512; j++) {
			line.recording.number++;
			heads_put(&stand->outlet.heads, &line);
		}
		stand_run(stand, 2);
	}
	assert_int_equal(stand->outlet.stage, OUTLET_SENDING);
	on_take_late(&stand->outlet); /* the time is up */
	assert_false(stand->outlet.up);
	assert_string_equal(stand->outlet.why, "127.0.0.1: takes nothing");
	receiver_stop(&receiver);
}

static void test_no_answer(void **state)
{
	struct stand *stand = *state;
	struct receiver receiver = { .silent = true };
	struct authority authority;

	authority_create(&authority, "localhost");
	receiver_start(&receiver, stand, NULL);
	begin(stand, "tls://", &receiver, "127.0.0.1", authority.pem);
	stand_newest(stand, 3);
	STAND_UNTIL(stand, out.stage == SYSLOG_HANDSHAKE);
	timer_cancel(STEAL(out.timer));
	on_connect_late(&stand->outlet);
	assert_string_equal(stand->outlet.why, "127.0.0.1: no answer in time");
	assert_int_equal(out.fd, -1);
	receiver_stop(&receiver);
	authority_destroy(&authority);
}

static void test_no_address(void **state)
{
	struct stand *stand = *state;

	assert_int_equal(syslog_init(&out, "tcp://nobody.invalid", false, ""), 0);
	stand_begin(stand, &syslog_kind, &out, NULL);
	stand_newest(stand, 3);
	assert_string_equal(stand->outlet.why, "nobody.invalid: no address");
}

static void test_settings(void **state)
{
	struct syslog one;

	assert_int_equal(syslog_init(&one, "udp://host", false, ""), -ERR_MALFORMED);
	assert_int_equal(syslog_init(&one, "host:514", false, ""), -ERR_MALFORMED);
	assert_int_equal(syslog_init(&one, "tls://host", false, ""), -ERR_CRYPTO);
	assert_int_equal(syslog_init(&one, "tcp://host", true, ""), 0);
	assert_int_equal(one.lookup.port, 514);
	assert_true(one.cef && one.tls == NULL && one.host[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAND(test_over_tcp),
		STAND(test_over_tls),
		STAND(test_a_name_that_is_not_its),
		STAND(test_an_authority_that_is_not_ours),
		STAND(test_an_address_in_the_certificate),
		STAND(test_no_tls_where_it_is_wanted),
		STAND(test_comes_back),
		STAND(test_takes_nothing),
		STAND(test_no_answer),
		STAND(test_no_address),
		STAND(test_settings),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
