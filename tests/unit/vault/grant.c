/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/grant.c"

#include "fixture.h"
#include "vault/sshwire.h"

#include <sys/resource.h>

#define SESSION_ID "00112233445566778899aabbccddeeff00112233"

/* The vault's side with a real loop, a real log and a worker that is this test. */
struct story {
	struct fixture f;
	struct loop *loop;
	struct release_log log;
	struct grants grants;
	struct sshkey *key; /* what the worker sees of it: the public half is used */
	int worker;
	unsigned wanted, refused, ended;
	bool alone; /* no broker is there */
	int r;
};

static bool on_wanted(void *context, const struct msg_grant *facts)
{
	struct story *story = context;
	story->wanted += story->alone ? 0 : 1;
	return !story->alone;
}

static void on_refused(void *context, const struct msg_grant *facts, int r)
{
	struct story *story = context;
	story->refused++;
	story->r = r;
}

static void on_ended(void *context, const struct msg_grant *facts, int r)
{
	struct story *story = context;
	story->ended++;
	story->r = r;
}

static void begin(struct story *story)
{
	bool intact;
	memset(story, 0, sizeof *story);
	story->worker = -1;
	fixture_keygen(&story->f, "ed25519", "256", NULL, "");
	fixture_keyring(&story->f);
	assert_int_equal(loop_create(&story->loop), 0);
	assert_int_equal(release_log_open(&story->log, story->f.directory,
				 keyring_installation_public(story->f.keyring), &intact),
		0);
	story->grants = (struct grants){ .loop = story->loop,
		.keyring = story->f.keyring,
		.log = &story->log,
		.events = { on_wanted, on_refused, on_ended, story },
		.patience_ms = 60000 };
}

static void end(struct story *story)
{
	grants_finish(&story->grants);
	assert_null(story->grants.first);
	fd_closep(&story->worker);
	sshkey_destroy(story->key);
	release_log_close(&story->log);
	loop_destroy(story->loop);
	fixture_finish(&story->f);
}

static void stop_later(void *context)
{
	loop_stop(context);
}

static void run(struct story *story)
{
	struct timer *timer;
	assert_int_equal(loop_after(story->loop, 30, stop_later, story->loop, &timer), 0);
	assert_int_equal(loop_run(story->loop), 0);
}

static struct msg_grant facts_for(enum secret_kind kind)
{
	struct msg_grant facts = { .session = 7,
		.identity = fixture_identity(12, 3),
		.kind = kind,
		.pins_required = 1,
		.pin_count = 2 };
	text_copy(facts.username, sizeof facts.username, "root");
	text_copy(facts.session_id, sizeof facts.session_id, SESSION_ID);
	text_copy(facts.target, sizeof facts.target, "db1");
	memset(facts.pins[0], 0xaa, HASH_LEN);
	memset(facts.pins[1], 0xbb, HASH_LEN);
	if (kind == SECRET_SSH_KEY)
		fixture_pin(FIXTURE_HOST, facts.pins[0]);
	return facts;
}

static void give_text(struct story *story, const struct msg_grant *facts,
	enum secret_kind sealed_as, const char *text, size_t text_len)
{
	uint8_t envelope[SEALED_MAX];
	size_t len;
	int ends[2];
	struct secret *secret = secret_create(text, text_len);
	assert_int_equal(envelope_seal(story->f.keyring, &facts->identity, sealed_as, secret,
				 envelope, &len),
		0);
	if (sealed_as == SECRET_SSH_KEY && story->key == NULL)
		assert_int_equal(sshkey_parse(secret, &story->key), 0);
	secret_destroy(secret);
	assert_int_equal(wire_pair(SOCK_STREAM, ends), 0);
	fd_closep(&story->worker);
	story->worker = ends[1];
	grants_give(&story->grants, facts, envelope, len, ends[0]);
}

static void give(struct story *story, const struct msg_grant *facts)
{
	char text[SECRET_MAX] = "s3cret";
	size_t len = 6;
	if (facts->kind == SECRET_SSH_KEY)
		len = fixture_read(&story->f, "key", text, sizeof text);
	give_text(story, facts, facts->kind, text, len);
}

static void say(struct story *story, const void *bytes, size_t len)
{
	assert_int_equal(send(story->worker, bytes, len, MSG_NOSIGNAL), len);
}

static void say_message(struct story *story, struct buf *message)
{
	uint8_t len[4] = { 0, 0, (uint8_t)(message->len >> 8), (uint8_t)message->len };
	say(story, len, 4);
	say(story, message->data, message->len);
	buf_clear(message);
	run(story);
}

static void say_pin(struct story *story, uint8_t byte)
{
	CLEANUP(buf_finish) struct buf message = BUF(256);
	uint8_t pin[HASH_LEN];
	memset(pin, byte, sizeof pin);
	fixture_put_pin(&message, pin);
	say_message(story, &message);
}

/* The pin of one host, and an exchange with another. */
static void say_exchange(struct story *story, const char *host, const char *shown)
{
	CLEANUP(buf_finish) struct buf message = BUF(1024);
	fixture_put_exchange(&message, host, shown);
	say_message(story, &message);
}

static void say_byte(struct story *story, uint8_t type)
{
	CLEANUP(buf_finish) struct buf message = BUF(256);
	sshwire_put_byte(&message, type);
	say_message(story, &message);
}

/* In the session with that host. */
static void say_login(struct story *story, const char *host, const char *username)
{
	CLEANUP(buf_finish) struct buf message = BUF(4096);
	size_t len;
	const uint8_t *blob = sshkey_blob(story->key, &len);
	fixture_put_login(&message, host, username, "ssh-ed25519", blob, len);
	say_message(story, &message);
}

/* The type of the next answer; -1: nothing came; -2: end of file. */
static int hear(struct story *story, uint8_t *out, size_t size, size_t *ret_len)
{
	uint8_t bytes[AGENT_REPLY_MAX];
	ssize_t n = recv(story->worker, bytes, 4, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 ? -1 : -2;
	assert_int_equal(n, 4);
	size_t len = (size_t)bytes[2] << 8 | bytes[3];
	assert_int_equal(recv(story->worker, bytes, len, MSG_DONTWAIT), len);
	if (out != NULL) {
		assert_true(len <= size);
		memcpy(out, bytes, len);
		*ret_len = len;
	}
	return bytes[0];
}

static int hear_type(struct story *story)
{
	return hear(story, NULL, 0, NULL);
}

static void expect_refusal(struct story *story, int r)
{
	assert_int_equal(story->refused, 1);
	assert_int_equal(story->r, -r);
	assert_int_equal(story->grants.count, 0);
	assert_int_equal(hear_type(story), AGENT_FAILURE);
	assert_int_equal(hear_type(story), -2);
}

static unsigned lines_with(struct story *story, const char *what)
{
	char text[65536], word[64];
	size_t len = fixture_read(&story->f, "releases.log", text, sizeof text - 1);
	text[len] = '\0';
	snprintf(word, sizeof word, "\"what\":\"%s\"", what);
	unsigned count = 0;
	for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
		count++;
	return count;
}

static bool log_has(struct story *story, const char *text)
{
	char log[65536];
	size_t len = fixture_read(&story->f, "releases.log", log, sizeof log - 1);
	log[len] = '\0';
	return strstr(log, text) != NULL;
}

static void test_password(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	uint8_t answer[256];
	size_t len;
	begin(&story);
	give(&story, &facts);
	assert_int_equal(story.grants.count, 1);
	say_pin(&story, 0xbb);
	assert_int_equal(story.wanted, 1);
	assert_int_equal(hear_type(&story), -1); /* nothing before the audit line */
	assert_int_equal(lines_with(&story, "password"), 0);
	grants_release(&story.grants, 7);
	assert_int_equal(lines_with(&story, "password"), 1);
	assert_true(log_has(&story, "\"host_key\":\"bbbbbbbb"));
	assert_int_equal(hear(&story, answer, sizeof answer, &len), AGENT_SUCCESS);
	assert_int_equal(len, 1 + 4 + 6);
	assert_memory_equal(answer + 1, "\0\0\0\6s3cret", 10);
	assert_int_equal(hear_type(&story), -2);
	assert_int_equal(story.ended, 1);
	assert_int_equal(story.grants.count, 0);
	/* Once. */
	grants_release(&story.grants, 7);
	assert_int_equal(lines_with(&story, "password"), 1);
	end(&story);
}

static void test_large_password(void **state)
{
	static char text[SECRET_MAX], answer[SECRET_MAX + 64];
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	size_t got = 0;
	int small = 2048;
	begin(&story);
	memset(text, 'p', sizeof text);
	give_text(&story, &facts, SECRET_PASSWORD, text, sizeof text);
	setsockopt(story.grants.first->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	say_pin(&story, 0xaa);
	grants_release(&story.grants, 7);
	assert_int_equal(story.ended, 0); /* the socket is full */
	for (ssize_t n = 1; n != 0; got += n > 0 ? (size_t)n : 0) {
		run(&story);
		n = recv(story.worker, answer + got, sizeof answer - got, MSG_DONTWAIT);
	}
	assert_int_equal(got, 4 + 1 + 4 + SECRET_MAX);
	assert_memory_equal(answer + 9, text, SECRET_MAX);
	assert_int_equal(story.ended, 1);
	end(&story);
}

static void test_impostor(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	begin(&story);
	give(&story, &facts);
	say_pin(&story, 0xcc);
	assert_int_equal(story.wanted, 0);
	expect_refusal(&story, ERR_HOST_KEY_CHANGED);
	grants_release(&story.grants, 7);
	assert_int_equal(lines_with(&story, "password"), 0);
	end(&story);
}

static void test_telnet_pins_nothing(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	facts.pins_required = 0;
	facts.pin_count = 0;
	begin(&story);
	give(&story, &facts);
	say_pin(&story, 0);
	assert_int_equal(story.wanted, 1);
	grants_release(&story.grants, 7);
	assert_int_equal(hear_type(&story), AGENT_SUCCESS);
	assert_true(log_has(&story, "\"host_key\":null"));
	give(&story, &facts);
	say_pin(&story, 0xaa);
	expect_refusal(&story, ERR_HOST_KEY_CHANGED);
	end(&story);
}

static void test_zeros_are_no_pin(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	begin(&story);
	facts.pin_count = 1; /* the second array entry does not count */
	give(&story, &facts);
	say_pin(&story, 0xbb);
	expect_refusal(&story, ERR_HOST_KEY_CHANGED);
	story.refused = 0;
	give(&story, &facts);
	say_pin(&story, 0);
	expect_refusal(&story, ERR_HOST_KEY_CHANGED);
	end(&story);
}

static void expect_not_given(const struct msg_grant *facts, enum secret_kind sealed_as, int r)
{
	struct story story;
	begin(&story);
	give_text(&story, facts, sealed_as, "s3cret", 6);
	expect_refusal(&story, r);
	end(&story);
}

static void test_what_is_never_granted(void **state)
{
	struct msg_grant facts = facts_for(SECRET_TOKEN);
	expect_not_given(&facts, SECRET_TOKEN, ERR_NOT_AUTHORIZED);
	facts = facts_for(SECRET_PASSWORD);
	expect_not_given(&facts, SECRET_TOKEN, ERR_CRYPTO);
	facts.pin_count = 0;
	expect_not_given(&facts, SECRET_PASSWORD, ERR_HOST_KEY_UNKNOWN);
	facts.pin_count = PINS_MAX + 1;
	expect_not_given(&facts, SECRET_PASSWORD, ERR_MALFORMED);
	facts = facts_for(SECRET_PASSWORD);
	memset(facts.username, 'x', sizeof facts.username);
	expect_not_given(&facts, SECRET_PASSWORD, ERR_MALFORMED);
}

static void test_key_needs_pins(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_SSH_KEY);
	facts.pins_required = 0;
	begin(&story);
	give(&story, &facts);
	expect_refusal(&story, ERR_HOST_KEY_UNKNOWN);
	end(&story);
}

/* The broker says it is a password: the envelope knows better. */
static void test_key_never_pours(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_SSH_KEY);
	begin(&story);
	char text[SECRET_MAX];
	size_t len = fixture_read(&story.f, "key", text, sizeof text);
	facts.kind = SECRET_PASSWORD;
	give_text(&story, &facts, SECRET_SSH_KEY, text, len);
	expect_refusal(&story, ERR_CRYPTO);
	end(&story);
}

static void test_other_row(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	begin(&story);
	give(&story, &facts);
	story.grants.first->facts.identity.id++;
	say_pin(&story, 0xaa);
	grants_release(&story.grants, 7);
	expect_refusal(&story, ERR_CRYPTO);
	end(&story);
}

static void test_key_signs(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_SSH_KEY);
	begin(&story);
	give(&story, &facts);
	say_exchange(&story, FIXTURE_HOST, FIXTURE_HOST);
	grants_release(&story.grants, 7);
	uint8_t answer[64];
	size_t len;
	assert_int_equal(hear(&story, answer, sizeof answer, &len), AGENT_SUCCESS);
	assert_int_equal(len, 1); /* not one byte of the key */
	assert_int_equal(lines_with(&story, "key"), 1);
	say_byte(&story, AGENT_REQUEST_IDENTITIES);
	assert_int_equal(hear_type(&story), AGENT_IDENTITIES_ANSWER);
	say_login(&story, FIXTURE_HOST, "root");
	assert_int_equal(hear_type(&story), AGENT_SIGN_RESPONSE);
	assert_int_equal(lines_with(&story, "signature"), 1);
	say_byte(&story, 17); /* add an identity: an agent of ours does not */
	assert_int_equal(hear_type(&story), AGENT_FAILURE);
	grants_end(&story.grants, 7);
	assert_int_equal(hear_type(&story), -2);
	assert_int_equal(story.ended, 1);
	assert_int_equal(story.r, 0);
	end(&story);
}

static void serve_key(struct story *story)
{
	struct msg_grant facts = facts_for(SECRET_SSH_KEY);
	begin(story);
	give(story, &facts);
	say_exchange(story, FIXTURE_HOST, FIXTURE_HOST);
	grants_release(&story->grants, 7);
	assert_int_equal(hear_type(story), AGENT_SUCCESS);
}

/* A captured worker says what it likes: what was hashed says whose session it is. */
static void test_key_of_another_host(void **state)
{
	static const struct {
		const char *pinned, *shown;
		int error;
	} rows[] = {
		{ FIXTURE_HOST, "another host", ERR_HOST_KEY_CHANGED },
		{ "another host", "another host", ERR_HOST_KEY_CHANGED },
		{ "another host", FIXTURE_HOST, ERR_HOST_KEY_CHANGED },
		{ FIXTURE_HOST, NULL, ERR_MALFORMED },
	};
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct story story;
		struct msg_grant facts = facts_for(SECRET_SSH_KEY);
		memset(facts.pins[1], rows[i].shown == NULL ? 0xaa : 0xbb, HASH_LEN);
		begin(&story);
		give(&story, &facts);
		if (rows[i].shown != NULL)
			say_exchange(&story, rows[i].pinned, rows[i].shown);
		else
			say_pin(&story, 0xaa);
		assert_int_equal(story.wanted, 0);
		expect_refusal(&story, rows[i].error);
		end(&story);
	}
}

static void test_misuse_of_a_key_ends_the_grant(void **state)
{
	struct story story;
	serve_key(&story);
	say_login(&story, FIXTURE_HOST, "admin");
	expect_refusal(&story, ERR_NOT_AUTHORIZED);
	assert_int_equal(lines_with(&story, "signature"), 0);
	end(&story);

	serve_key(&story);
	say_login(&story, FIXTURE_HOST, "root");
	assert_int_equal(hear_type(&story), AGENT_SIGN_RESPONSE);
	say_login(&story, "another host", "root");
	expect_refusal(&story, ERR_NOT_AUTHORIZED);
	assert_int_equal(lines_with(&story, "signature"), 1);
	end(&story);

	serve_key(&story);
	say_pin(&story, 0xaa);
	expect_refusal(&story, ERR_WRONG_MOMENT);
	end(&story);

	serve_key(&story);
	for (unsigned i = 1; i < AGENT_REQUESTS_MAX; i++) {
		say_byte(&story, AGENT_REQUEST_IDENTITIES);
		assert_int_equal(hear_type(&story), AGENT_IDENTITIES_ANSWER);
	}
	say_byte(&story, AGENT_REQUEST_IDENTITIES);
	expect_refusal(&story, ERR_THROTTLED);
	end(&story);
}

static void test_nonsense_first(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_SSH_KEY);
	begin(&story);
	give(&story, &facts);
	say_byte(&story, AGENT_REQUEST_IDENTITIES); /* before the pin */
	expect_refusal(&story, ERR_MALFORMED);
	story.refused = 0;
	give(&story, &facts);
	say(&story, "\xff\xff\xff\xff", 4);
	run(&story);
	expect_refusal(&story, ERR_MALFORMED);
	story.refused = 0;
	give(&story, &facts);
	say(&story, "\0\0\0\0", 4);
	run(&story);
	expect_refusal(&story, ERR_MALFORMED);
	end(&story);
}

static void test_release_before_the_pin(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	begin(&story);
	give(&story, &facts);
	grants_release(&story.grants, 7);
	expect_refusal(&story, ERR_WRONG_MOMENT);
	assert_int_equal(lines_with(&story, "password"), 0);
	end(&story);
}

static void test_one_grant_per_session(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	begin(&story);
	give(&story, &facts);
	int first = dup(story.worker);
	give(&story, &facts);
	assert_int_equal(story.refused, 1);
	assert_int_equal(story.r, -ERR_EXISTS);
	assert_int_equal(story.grants.count, 1);
	close(first);
	end(&story);
}

static void test_ceiling(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	begin(&story);
	story.grants.count = GRANTS_MAX;
	give(&story, &facts);
	assert_int_equal(story.refused, 1);
	assert_int_equal(story.r, -ERR_FULL);
	story.grants.count = 0;
	end(&story);
}

static void test_deadline(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	begin(&story);
	story.grants.patience_ms = 10;
	give(&story, &facts);
	run(&story);
	assert_int_equal(story.ended, 1);
	assert_int_equal(story.r, -ERR_TIMED_OUT);
	assert_int_equal(hear_type(&story), -2);
	end(&story);
}

static void test_worker_gone(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	begin(&story);
	give(&story, &facts);
	fd_closep(&story.worker);
	story.worker = -1;
	run(&story);
	assert_int_equal(story.ended, 1);
	/* Also while the broker writes. */
	give(&story, &facts);
	say_pin(&story, 0xaa);
	fd_closep(&story.worker);
	story.worker = -1;
	run(&story);
	assert_int_equal(story.ended, 2);
	assert_int_equal(story.refused, 0);
	grants_release(&story.grants, 7);
	assert_int_equal(lines_with(&story, "password"), 0);
	end(&story);
}

static void test_broker_gone(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	serve_key(&story);
	facts.session = 8;
	int serving = dup(story.worker);
	give(&story, &facts);
	say_pin(&story, 0xaa);
	facts.session = 9;
	int asked = dup(story.worker);
	give(&story, &facts); /* has not asked yet */
	assert_int_equal(story.grants.count, 3);
	unsigned wanted = story.wanted;
	grants_orphan(&story.grants, false);
	/* Nobody knows whether the release was written down: 8 is let go. */
	assert_int_equal(story.grants.count, 2); /* who has the key may still log in */
	assert_int_equal(story.r, -ERR_PEER_GONE);
	assert_null(grant_find(&story.grants, 8));
	/* The one that asks while nobody is there is heard by the next broker, once. */
	story.alone = true;
	say_pin(&story, 0xaa);
	assert_int_equal(story.wanted, wanted);
	story.alone = false;
	grants_ask(&story.grants);
	grants_ask(&story.grants);
	assert_int_equal(story.wanted, wanted + 1);
	grants_release(&story.grants, 9);
	assert_int_equal(lines_with(&story, "password"), 1);
	close(serving);
	close(asked);
	end(&story);
}

/* A broker that was replaced in order has answered what it read: the rest is asked of the next. */
static void test_broker_replaced(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	begin(&story);
	give(&story, &facts);
	say_pin(&story, 0xaa);
	assert_int_equal(story.wanted, 1);
	grants_orphan(&story.grants, true);
	assert_int_equal(story.grants.count, 1);
	grants_ask(&story.grants);
	assert_int_equal(story.wanted, 2);
	grants_release(&story.grants, 7);
	assert_int_equal(lines_with(&story, "password"), 1);
	end(&story);
}

static void test_no_log_no_release(void **state)
{
	struct story story;
	struct msg_grant facts = facts_for(SECRET_PASSWORD);
	begin(&story);
	give(&story, &facts);
	say_pin(&story, 0xaa);
	fixture_file_limit(10);
	grants_release(&story.grants, 7);
	fixture_file_limit(RLIM_INFINITY);
	expect_refusal(&story, ERR_RELEASES_DISK);
	end(&story);

	serve_key(&story);
	fixture_file_limit(10);
	say_login(&story, FIXTURE_HOST, "root");
	fixture_file_limit(RLIM_INFINITY);
	expect_refusal(&story, ERR_RELEASES_DISK);
	end(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_large_password),
		cmocka_unit_test(test_impostor),
		cmocka_unit_test(test_telnet_pins_nothing),
		cmocka_unit_test(test_zeros_are_no_pin),
		cmocka_unit_test(test_what_is_never_granted),
		cmocka_unit_test(test_key_needs_pins),
		cmocka_unit_test(test_key_never_pours),
		cmocka_unit_test(test_other_row),
		cmocka_unit_test(test_key_signs),
		cmocka_unit_test(test_key_of_another_host),
		cmocka_unit_test(test_misuse_of_a_key_ends_the_grant),
		cmocka_unit_test(test_nonsense_first),
		cmocka_unit_test(test_release_before_the_pin),
		cmocka_unit_test(test_one_grant_per_session),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_worker_gone),
		cmocka_unit_test(test_broker_gone),
		cmocka_unit_test(test_broker_replaced),
		cmocka_unit_test(test_no_log_no_release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
