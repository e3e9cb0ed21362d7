/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ssh/nofiles.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <libssh/libssh.h>

static void no_name_opens_anything(void **state)
{
	assert_null(fopen("/etc/passwd", "r"));
	assert_null(fopen64("/etc/passwd", "r"));
	assert_int_equal(open("/etc/passwd", O_RDONLY), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(open64("/etc/passwd", O_RDONLY), -1);
}

/* The library's calls come here too, or all this is for nothing. */
static void the_library_meets_it(void **state)
{
	ssh_key key = NULL;

	assert_int_not_equal(ssh_pki_import_pubkey_file("/etc/hostname", &key), SSH_OK);
	ssh_session session = ssh_new();
	assert_int_not_equal(ssh_options_parse_config(session, "/etc/ssh/ssh_config"), 1);
	ssh_free(session);
	assert_int_equal(
		ssh_pki_import_privkey_file("/etc/hostname", NULL, NULL, NULL, &key), SSH_EOF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_name_opens_anything),
		cmocka_unit_test(the_library_meets_it),
	};

	return cmocka_run_group_tests_name("drivers/ssh/nofiles", tests, NULL, NULL);
}
