/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ssh/algorithms.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char *offered(const char *first, const char *second)
{
	static char out[ALGORITHMS_SIZE];
	struct worker_birth birth = { 0 };

	if (first != NULL)
		text_copy(birth.pin_algorithms[birth.pin_count++], 48, first);
	if (second != NULL)
		text_copy(birth.pin_algorithms[birth.pin_count++], 48, second);
	algorithms_host_keys(&birth, out);
	return out;
}

static void pinned_types_come_first_and_the_others_after(void **state)
{
	assert_string_equal(offered(NULL, NULL), "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-"
						 "nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
						 "rsa-sha2-256");
	assert_string_equal(offered("ssh-rsa", NULL),
		"rsa-sha2-512,rsa-sha2-256,ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
		"ecdsa-sha2-nistp521");
	assert_string_equal(offered("rsa-sha2-256", "ecdsa-sha2-nistp521"),
		"ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256,ssh-ed25519,ecdsa-sha2-nistp256,"
		"ecdsa-sha2-nistp384");
	assert_string_equal(offered("made-up", ""), offered(NULL, NULL));
}

/* libssh knows every name: it would drop an unknown one silently and refuse an empty list. */
static void the_library_takes_them_all(void **state)
{
	struct worker_birth birth = { 0 };
	ssh_session session = ssh_new();

	assert_int_equal(algorithms_set(session, &birth), 0);
	ssh_free(session);
}

static void nothing_weak_is_offered(void **state)
{
	static const char *const weak[] = { "sha1", "3des", "cbc", "md5", "group1-", "ssh-dss",
		"arcfour", "chacha20", "zlib" };

	for (unsigned i = 0; i < ARRAY_LEN(lists); i++)
		for (unsigned w = 0; w < ARRAY_LEN(weak); w++)
			assert_null(strstr(lists[i].list, weak[w]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pinned_types_come_first_and_the_others_after),
		cmocka_unit_test(the_library_takes_them_all),
		cmocka_unit_test(nothing_weak_is_offered),
	};

	return cmocka_run_group_tests_name("drivers/ssh/algorithms", tests, NULL, NULL);
}
