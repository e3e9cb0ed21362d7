/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/expect.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static bool ends(const char *expression, const char *text)
{
	return expect_at_end(expression, text, strlen(text));
}

static bool within(const char *expression, const char *text)
{
	return expect_within(expression, text, strlen(text));
}

static bool password(const char *text)
{
	return expect_password_prompt(text, strlen(text));
}

static void prompts_stand_at_the_end(void **state)
{
	assert_true(ends("login:", "db1 login: "));
	assert_true(ends("login:", "LOGIN:\t \r\n"));
	assert_false(ends("login:", "Last login: Mon Nov 23"));
	assert_false(ends("login:", "login"));
	assert_false(ends("login:", ""));
	assert_true(ends("user:|login:", "login:"));
	assert_true(ends("user:|login:", "the user:"));
	assert_false(ends("", "anything"));
	assert_false(ends("|", "anything"));
}

static void messages_stand_anywhere(void **state)
{
	assert_true(within("login incorrect", "\r\nLogin incorrect\r\n"));
	assert_true(within("denied|failed", "Access Denied."));
	assert_false(within("denied|failed", "Welcome"));
}

static void a_star_is_anything(void **state)
{
	assert_true(ends("password for *:", "Password for root: "));
	assert_true(ends("a*b*c", "xxaybzc"));
	assert_false(ends("a*b*c", "xxaybz"));
	assert_true(ends("*", "x"));
	assert_true(ends("a**b", "ab"));
	assert_true(ends("ab*", "abxyz"));
}

/* The pattern that brings others to their knees. */
static void the_work_is_bounded(void **state)
{
	char text[5000];

	memset(text, 'a', sizeof text);
	for (int i = 0; i < 100; i++)
		assert_false(expect_at_end("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text, sizeof text));
	/* Of a long text the newest part counts. */
	memcpy(text + sizeof text - 6, "login:", 6);
	assert_true(expect_at_end("login:", text, sizeof text));
	memcpy(text, "early", 5);
	assert_false(expect_within("early", text, sizeof text));
}

static void what_a_stored_password_is_given_to(void **state)
{
	assert_true(password("Password: "));
	assert_true(password("(root@shipping) Password:"));
	assert_true(password("root@db1's password: "));
	assert_true(password("Password for root: "));
	assert_true(password("Senha: "));
	assert_true(password("Welcome to db1.\nPassword:"));
	assert_true(password("Contrase\xc3\xb1"
			     "a: "));
}

static void what_it_is_never_given_to(void **state)
{
	static const char *const prompts[] = { "", ":", "Verification code: ", "New password: ",
		"Retype new password:", "One-time password (OATH) for `root': ",
		"(current) UNIX password: ", "Password + OTP: ", "Enter PASSCODE: ",
		"Token password:", "Are you sure (yes/no)? ",
		"Your password has expired. Enter code:", "Password:\nVerification code:",
		"Login: " };

	for (unsigned i = 0; i < ARRAY_LEN(prompts); i++)
		if (password(prompts[i]))
			fail_msg("\"%s\"", prompts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prompts_stand_at_the_end),
		cmocka_unit_test(messages_stand_anywhere),
		cmocka_unit_test(a_star_is_anything),
		cmocka_unit_test(the_work_is_bounded),
		cmocka_unit_test(what_a_stored_password_is_given_to),
		cmocka_unit_test(what_it_is_never_given_to),
	};

	return cmocka_run_group_tests_name("drivers/expect", tests, NULL, NULL);
}
