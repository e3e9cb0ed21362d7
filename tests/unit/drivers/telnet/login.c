/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/telnet/login.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char nothing[4][128];
static struct login login;

static void says(const char *text)
{
	login_feed(&login, text, strlen(text));
}

static void walk_to_answer(void)
{
	login_init(&login, nothing);
	says("Debian GNU/Linux 12\r\ndb1 login: ");
	assert_int_equal(login_decide(&login, 0), LOGIN_TYPE_NAME);
	assert_int_equal(login_decide(&login, 0), LOGIN_NOTHING);
	says("root\r\nPassword: ");
	assert_int_equal(login_decide(&login, 0), LOGIN_ASK_VAULT);
	assert_int_equal(login_decide(&login, 1000), LOGIN_NOTHING);
	login_secret_typed(&login);
	assert_int_equal(login_decide(&login, 1000), LOGIN_NOTHING);
}

static void a_login_as_it_should_be(void **state)
{
	walk_to_answer();
	says("\r\n");
	assert_int_equal(login_decide(&login, 1000), LOGIN_NOTHING);
	says("Linux db1 6.1\r\n");
	assert_int_equal(login_decide(&login, 0), LOGIN_IN);
	assert_int_equal(login_decide(&login, 1000), LOGIN_NOTHING);
}

static void a_prompt_alone_counts_once_it_is_quiet(void **state)
{
	walk_to_answer();
	says("\r\n$ ");
	assert_int_equal(login_decide(&login, 0), LOGIN_NOTHING);
	assert_int_equal(login_decide(&login, LOGIN_QUIET_MS), LOGIN_IN);
}

static void refusals(void **state)
{
	static const char *const words[] = { "\r\nLogin incorrect\r\n", "\r\n% Bad passwords\r\n",
		"Access DENIED\r\n", "\r\nAuthentication failed.\r\n" };

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		walk_to_answer();
		says(words[i]);
		assert_int_equal(login_decide(&login, 0), LOGIN_REFUSED);
	}
	/* Cut in two, with a pause that is no end. */
	walk_to_answer();
	says("\r\nLogin inc");
	assert_int_equal(login_decide(&login, 50), LOGIN_NOTHING);
	says("orrect\r\n");
	assert_int_equal(login_decide(&login, 0), LOGIN_REFUSED);
	/* Asked once more. */
	walk_to_answer();
	says("\r\nPassword: ");
	assert_int_equal(login_decide(&login, LOGIN_QUIET_MS), LOGIN_REFUSED);
}

static void last_login_is_no_prompt(void **state)
{
	walk_to_answer();
	says("\r\nLast login:");
	assert_int_equal(login_decide(&login, 0), LOGIN_NOTHING);
	says(" Mon Nov 23 from 10.0.0.1\r\n");
	assert_int_equal(login_decide(&login, 0), LOGIN_IN);
}

static void an_echoed_and_masked_secret_is_no_welcome(void **state)
{
	walk_to_answer();
	says("********\r\n");
	assert_int_equal(login_decide(&login, 1000), LOGIN_NOTHING);
}

static void colours_do_not_hide_a_prompt(void **state)
{
	login_init(&login, nothing);
	says("\033]0;router\007\033[2J\033[1;1HUser\033[0mname: \033[K");
	assert_int_equal(login_decide(&login, 0), LOGIN_TYPE_NAME);
}

static void a_device_that_asks_for_a_password_only(void **state)
{
	login_init(&login, nothing);
	says("User Access Verification\r\n\r\nPassword: ");
	assert_int_equal(login_decide(&login, 100), LOGIN_NOTHING);
	assert_int_equal(login_decide(&login, LOGIN_NAMELESS_MS), LOGIN_ASK_VAULT);
}

static void expressions_of_the_credential(void **state)
{
	static const char expect[4][128] = { "wer da?", "parole*?", "bereit>", "raus" };

	login_init(&login, expect);
	says("login: ");
	assert_int_equal(login_decide(&login, 1000), LOGIN_NOTHING);
	says("\r\nWer da? ");
	assert_int_equal(login_decide(&login, 0), LOGIN_TYPE_NAME);
	says("root\r\nParole bitte? ");
	assert_int_equal(login_decide(&login, 0), LOGIN_ASK_VAULT);
	login_secret_typed(&login);
	says("\r\nGuten Tag\r\nlogin incorrect\r\n");
	assert_int_equal(login_decide(&login, 1000), LOGIN_NOTHING);
	says("bereit> ");
	assert_int_equal(login_decide(&login, 0), LOGIN_IN);
	login_init(&login, expect);
	login_secret_typed(&login);
	says("raus hier\r\n");
	assert_int_equal(login_decide(&login, 0), LOGIN_REFUSED);
}

static void an_endless_line_keeps_its_end(void **state)
{
	login_init(&login, nothing);
	for (int i = 0; i < 10000; i++)
		says("x");
	says(" login: ");
	assert_int_equal(login_decide(&login, 0), LOGIN_TYPE_NAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_as_it_should_be),
		cmocka_unit_test(a_prompt_alone_counts_once_it_is_quiet),
		cmocka_unit_test(refusals),
		cmocka_unit_test(last_login_is_no_prompt),
		cmocka_unit_test(an_echoed_and_masked_secret_is_no_welcome),
		cmocka_unit_test(colours_do_not_hide_a_prompt),
		cmocka_unit_test(a_device_that_asks_for_a_password_only),
		cmocka_unit_test(expressions_of_the_credential),
		cmocka_unit_test(an_endless_line_keeps_its_end),
	};

	return cmocka_run_group_tests_name("drivers/telnet/login", tests, NULL, NULL);
}
