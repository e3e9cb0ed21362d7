/* SPDX-License-Identifier: Apache-2.0 */
#include "token/wrap.c"

#include <sys/stat.h>

#include "fixture.h"

static const char *liar;
static const char root[] = "0123456789abcdef0123456789abcdef";

static int ask(const char *module, const char *key, const char *pin,
	const struct msg_token_question *question, struct msg_token_answer *ret_answer)
{
	struct wrap_place place = { module, key };
	struct secret *secret = secret_create(pin, strlen(pin));
	*ret_answer = (struct msg_token_answer){ 0 };
	int r = wrap_answer(&place, question, secret, ret_answer);
	secret_destroy(secret);
	return r;
}

static struct msg_token_question to_wrap(bool make)
{
	struct msg_token_question question = { .wrap = 1, .make = make, .len = 32 };
	memcpy(question.bytes, root, 32);
	return question;
}

static struct msg_token_question to_unwrap(const struct msg_token_answer *wrapped)
{
	struct msg_token_question question = { .len = wrapped->len };
	memcpy(question.bytes, wrapped->bytes, wrapped->len);
	return question;
}

/* --- SoftHSM -------------------------------------------------------------------------------- */

static void makes_its_key_and_gives_back_what_it_wrapped(void **state)
{
	struct token_fixture *fixture = *state;
	struct msg_token_answer wrapped, again, answer;
	if (fixture->module[0] == '\0')
		skip();
	struct msg_token_question question = to_wrap(false);
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &wrapped),
		-ERR_TOKEN_KEY_ABSENT);
	question = to_wrap(true);
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &wrapped), 0);
	assert_int_equal(wrapped.len, HEAD_LEN + 32 + TAG_LEN);
	assert_int_equal(wrapped.bytes[0], FORM);
	assert_null(memmem(wrapped.bytes, wrapped.len, root, 16));
	/* Once: what is there is used, and each wrapping has an IV of its own. */
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &again), 0);
	assert_memory_not_equal(wrapped.bytes, again.bytes, wrapped.len);
	question = to_unwrap(&wrapped);
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &answer), 0);
	assert_int_equal(answer.len, 32);
	assert_memory_equal(answer.bytes, root, 32);
	question = to_unwrap(&again);
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &answer), 0);
	assert_memory_equal(answer.bytes, root, 32);
}

static void finds_every_changed_bit(void **state)
{
	struct token_fixture *fixture = *state;
	struct msg_token_answer wrapped, answer;
	if (fixture->module[0] == '\0')
		skip();
	struct msg_token_question question = to_wrap(true);
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &wrapped), 0);
	for (unsigned i = 0; i < wrapped.len; i++) {
		question = to_unwrap(&wrapped);
		question.bytes[i] ^= (uint8_t)(1u << (i % 8));
		assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &answer),
			-ERR_TOKEN_KEY_WRONG);
	}
	for (uint16_t len = 1; len < wrapped.len; len += 9) {
		question = to_unwrap(&wrapped);
		question.len = len;
		assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &answer),
			-ERR_TOKEN_KEY_WRONG);
	}
}

/* One login for one question, and after a refusal none that nobody typed. */
static void a_wrong_pin_costs_one_try(void **state)
{
	struct token_fixture *fixture = *state;
	struct msg_token_answer answer;
	if (fixture->module[0] == '\0')
		skip();
	struct msg_token_question question = to_wrap(true);
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &answer), 0);
	question.automatic = 1;
	assert_int_equal(
		ask(fixture->module, TOKEN_KEY, "0000", &question, &answer), -ERR_PIN_WRONG);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(
			ask(fixture->module, TOKEN_KEY, "0000", &question, &answer), -ERR_PIN_HELD);
	assert_int_equal(
		ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &answer), -ERR_PIN_HELD);
	/* A person may, and the right one takes the mark away. */
	question.automatic = 0;
	assert_int_equal(
		ask(fixture->module, TOKEN_KEY, "0000", &question, &answer), -ERR_PIN_WRONG);
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &answer), 0);
	question.automatic = 1;
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &answer), 0);
}

static void another_token_and_another_key(void **state)
{
	struct token_fixture *fixture = *state;
	struct msg_token_answer wrapped, answer;
	if (fixture->module[0] == '\0')
		skip();
	struct msg_token_question question = to_wrap(true);
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &wrapped), 0);
	assert_int_equal(ask(fixture->module, "pkcs11:token=other;object=sallyport", TOKEN_PIN,
				 &question, &answer),
		-ERR_TOKEN_ABSENT);
	assert_int_equal(ask(fixture->module, "pkcs11:token=gate;object=second", TOKEN_PIN,
				 &question, &answer),
		0);
	question = to_unwrap(&wrapped);
	assert_int_equal(ask(fixture->module, "pkcs11:token=gate;object=second", TOKEN_PIN,
				 &question, &answer),
		-ERR_TOKEN_KEY_WRONG);
	/* The token is pulled out: its directory is gone. */
	char from[128], to[128];
	snprintf(from, sizeof from, "%s/tokens", fixture->path);
	snprintf(to, sizeof to, "%s/pulled", fixture->path);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(mkdir(from, 0700), 0);
	assert_int_equal(
		ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &answer), -ERR_TOKEN_ABSENT);
	assert_int_equal(rmdir(from), 0);
	assert_int_equal(rename(to, from), 0);
	assert_int_equal(ask(fixture->module, TOKEN_KEY, TOKEN_PIN, &question, &answer), 0);
}

/* --- what is refused before anybody is asked ------------------------------------------------ */

static void words_that_name_no_key(void **state)
{
	static const char *const keys[] = { "", "sallyport", "pkcs11:", "pkcs11:token=gate",
		"pkcs11:token=gate;object=sallyport?pin-value=4321",
		"pkcs11:token=gate;object=sallyport?pin-source=/etc/pin",
		"pkcs11:token=gate;object=sallyport?module-path=/tmp/evil.so",
		"pkcs11:token=gate;object=sallyport?module-name=evil",
		"pkcs11:token=gate;object=sallyport;unheard=of", "pkcs11:token=%zz;object=x" };
	struct msg_token_question question = to_wrap(false);
	struct msg_token_answer answer;
	for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
		int r = ask(liar, keys[i], TOKEN_PIN, &question, &answer);
		if (r != -ERR_TOKEN_UNSET)
			fail_msg("%s: %d", keys[i], r);
	}
}

static void questions_out_of_bounds(void **state)
{
	struct msg_token_question question = to_wrap(false);
	struct msg_token_answer answer;
	static const uint16_t lengths[] = { 0, sizeof question.bytes + 1, UINT16_MAX,
		sizeof question.bytes - HEAD_LEN - TAG_LEN + 1 };
	for (unsigned i = 0; i < ARRAY_LEN(lengths); i++) {
		question.len = lengths[i];
		assert_int_equal(
			ask(liar, TOKEN_KEY, TOKEN_PIN, &question, &answer), -ERR_MALFORMED);
	}
}

static void modules_that_are_none(void **state)
{
	struct token_fixture *fixture = *state;
	struct msg_token_question question = to_wrap(false);
	struct msg_token_answer answer;
	char path[128];
	assert_int_equal(
		ask("/nonesuch.so", TOKEN_KEY, TOKEN_PIN, &question, &answer), -ERR_TOKEN_FAULT);
	snprintf(path, sizeof path, "%s/softhsm2.conf", fixture->path);
	assert_int_equal(ask(path, TOKEN_KEY, TOKEN_PIN, &question, &answer), -ERR_TOKEN_FAULT);
}

/* --- a module that lies --------------------------------------------------------------------- */

static int ask_liar(
	const char *plan, bool automatic, const char *pin, struct msg_token_answer *answer)
{
	struct msg_token_question question = to_wrap(false);
	question.automatic = automatic;
	setenv("LIAR", plan, 1);
	return ask(liar, TOKEN_KEY, pin, &question, answer);
}

static size_t logins(const struct token_fixture *fixture)
{
	struct stat status;
	char path[128];
	snprintf(path, sizeof path, "%s/logins", fixture->path);
	return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

static void what_the_token_says_of_its_pin(void **state)
{
	struct token_fixture *fixture = *state;
	struct msg_token_answer answer;
	char path[128];
	snprintf(path, sizeof path, "%s/logins", fixture->path);
	setenv("LIAR_LOGINS", path, 1);
	/* Not even tried. */
	assert_int_equal(ask_liar("locked", false, TOKEN_PIN, &answer), -ERR_PIN_LOCKED);
	assert_int_equal(ask_liar("locked", true, TOKEN_PIN, &answer), -ERR_PIN_LOCKED);
	assert_int_equal(ask_liar("low", true, TOKEN_PIN, &answer), -ERR_PIN_HELD);
	assert_int_equal(ask_liar("final", true, TOKEN_PIN, &answer), -ERR_PIN_HELD);
	assert_int_equal(logins(fixture), 0);
	/* Once. */
	assert_int_equal(ask_liar("final", false, "0000", &answer), -ERR_PIN_WRONG_LAST);
	assert_int_equal(logins(fixture), 1);
	assert_int_equal(ask_liar("low", false, "0000", &answer), -ERR_PIN_WRONG);
	assert_int_equal(logins(fixture), 2);
	assert_int_equal(ask_liar("", true, "0000", &answer), -ERR_PIN_WRONG);
	assert_int_equal(logins(fixture), 3);
	unsetenv("LIAR_LOGINS");
}

static void keys_that_are_not_fit(void **state)
{
	struct msg_token_answer answer;
	assert_int_equal(ask_liar("extractable", false, TOKEN_PIN, &answer), -ERR_TOKEN_KEY_UNFIT);
	assert_int_equal(ask_liar("open", false, TOKEN_PIN, &answer), -ERR_TOKEN_KEY_UNFIT);
	assert_int_equal(ask_liar("two", false, TOKEN_PIN, &answer), -ERR_TOKEN_KEY_UNFIT);
	assert_int_equal(ask_liar("gcmless", false, TOKEN_PIN, &answer), -ERR_TOKEN_KEY_UNFIT);
}

static void answers_of_another_length(void **state)
{
	struct msg_token_answer answer, back;
	assert_int_equal(ask_liar("", false, TOKEN_PIN, &answer), -ERR_TOKEN_FAULT); /* no tag */
	assert_int_equal(ask_liar("long", false, TOKEN_PIN, &answer), -ERR_TOKEN_FAULT);
	struct msg_token_question question = { .len = 62, .bytes = { FORM, IV_LEN } };
	assert_int_equal(ask(liar, TOKEN_KEY, TOKEN_PIN, &question, &back), -ERR_TOKEN_KEY_WRONG);
	assert_int_equal(back.len, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TOKEN_CASE(makes_its_key_and_gives_back_what_it_wrapped),
		TOKEN_CASE(finds_every_changed_bit),
		TOKEN_CASE(a_wrong_pin_costs_one_try),
		TOKEN_CASE(another_token_and_another_key),
		TOKEN_CASE(words_that_name_no_key),
		TOKEN_CASE(questions_out_of_bounds),
		TOKEN_CASE(modules_that_are_none),
		TOKEN_CASE(what_the_token_says_of_its_pin),
		TOKEN_CASE(keys_that_are_not_fit),
		TOKEN_CASE(answers_of_another_length),
	};
	if (argc != 2)
		return 2;
	liar = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free((char *)liar);
	return failed;
}
