/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ctl/certificate.c"

struct made {
	X509 *certificate;
	EVP_PKEY *key;
};

static struct made make(const char *host)
{
	int fds[] = { memfd_create("key", MFD_CLOEXEC), memfd_create("certificate", MFD_CLOEXEC) };
	struct made made;

	assert_int_equal(certificate_make(host, fds[0], fds[1]), 0);
	for (int i = 0; i < 2; i++)
		lseek(fds[i], 0, SEEK_SET);
	BIO *key = BIO_new_fd(fds[0], BIO_CLOSE), *certificate = BIO_new_fd(fds[1], BIO_CLOSE);
	made.key = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
	made.certificate = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
	BIO_free(key);
	BIO_free(certificate);
	assert_non_null(made.key);
	assert_non_null(made.certificate);
	return made;
}

static void finish(struct made *made)
{
	X509_free(made->certificate);
	EVP_PKEY_free(made->key);
}

static void names_the_host(void **state)
{
	struct made made = make("gate.example");

	assert_int_equal(X509_check_host(made.certificate, "gate.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(made.certificate, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(made.certificate, "other.example", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(made.certificate, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(made.certificate, "::1", 0), 1);
	finish(&made);
}

/* An address is matched as an address, by every client; never as a name. */
static void names_addresses(void **state)
{
	static const char *const addresses[] = { "192.0.2.7", "2001:db8::7" };

	for (unsigned i = 0; i < 2; i++) {
		struct made made = make(addresses[i]);
		assert_int_equal(X509_check_ip_asc(made.certificate, addresses[i], 0), 1);
		assert_int_equal(X509_check_host(made.certificate, addresses[i], 0,
					 X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL),
			0);
		finish(&made);
	}
}

static void key_fits_and_signs(void **state)
{
	struct made made = make("gate.example");
	char group[32];

	assert_int_equal(X509_check_private_key(made.certificate, made.key), 1);
	assert_int_equal(X509_verify(made.certificate, made.key), 1);
	assert_int_equal(EVP_PKEY_get_group_name(made.key, group, sizeof group, NULL), 1);
	assert_string_equal(group, "prime256v1");
	finish(&made);
}

static void is_for_servers_only(void **state)
{
	struct made made = make("gate.example");

	assert_int_equal(X509_get_version(made.certificate), X509_VERSION_3);
	assert_int_equal(X509_get_extension_flags(made.certificate) & EXFLAG_CA, 0);
	assert_true(X509_get_extension_flags(made.certificate) & EXFLAG_BCONS);
	assert_int_equal(X509_get_key_usage(made.certificate), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(made.certificate), XKU_SSL_SERVER);
	assert_int_equal(X509_check_purpose(made.certificate, X509_PURPOSE_SSL_SERVER, 0), 1);
	assert_int_equal(X509_check_purpose(made.certificate, X509_PURPOSE_SSL_CLIENT, 0), 0);
	finish(&made);
}

static void lives_as_long_as_browsers_accept(void **state)
{
	struct made made = make("gate.example");
	const ASN1_TIME *from = X509_get0_notBefore(made.certificate);
	const ASN1_TIME *to = X509_get0_notAfter(made.certificate);
	time_t soon = time(NULL) + 86400L * 824, late = time(NULL) + 86400L * 826;
	int days, seconds;

	assert_int_equal(X509_cmp_current_time(from), -1); /* clocks differ a little */
	assert_int_equal(X509_cmp_time(to, &soon), 1);
	assert_int_equal(X509_cmp_time(to, &late), -1);
	assert_int_equal(ASN1_TIME_diff(&days, &seconds, from, NULL), 1);
	assert_int_equal(days, 0);
	assert_true(seconds >= 3600 && seconds < 3700);
	finish(&made);
}

static void serials_differ(void **state)
{
	struct made one = make("gate.example"), two = make("gate.example");
	const ASN1_INTEGER *serial = X509_get0_serialNumber(one.certificate);

	assert_int_not_equal(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(two.certificate)), 0);
	assert_true(serial->length <= 16);
	assert_int_equal(serial->type & V_ASN1_NEG, 0);
	assert_int_equal(EVP_PKEY_eq(one.key, two.key), 0);
	finish(&one);
	finish(&two);
}

static void fails_where_it_cannot_write(void **state)
{
	int fd = memfd_create("key", MFD_CLOEXEC);

	assert_int_equal(certificate_make("gate.example", -1, fd), -ERR_CRYPTO);
	assert_int_equal(certificate_make("gate.example", fd, -1), -ERR_CRYPTO);
	assert_int_equal(certificate_make("", fd, fd), -ERR_CRYPTO);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_host),
		cmocka_unit_test(names_addresses),
		cmocka_unit_test(key_fits_and_signs),
		cmocka_unit_test(is_for_servers_only),
		cmocka_unit_test(lives_as_long_as_browsers_accept),
		cmocka_unit_test(serials_differ),
		cmocka_unit_test(fails_where_it_cannot_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
