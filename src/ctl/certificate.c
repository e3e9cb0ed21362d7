/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/certificate.h"

#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/address.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/random.h"

#define DAYS 825 /* the longest that browsers and their keepers accept */

static int add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	int ok = extension != NULL && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return ok;
}

static int set_serial(X509 *certificate)
{
	unsigned char bytes[16];
	BIGNUM *number = NULL;

	random_bytes(bytes, sizeof bytes);
	bytes[0] &= 0x7f;
	number = BN_bin2bn(bytes, sizeof bytes, NULL);
	int ok = number != NULL &&
		 BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
	BN_free(number);
	return ok;
}

static int set_names(X509 *certificate, const char *host)
{
	char names[HOSTNAME_SIZE + 64];
	struct address address;
	X509_NAME *subject = X509_get_subject_name(certificate);
	int ok = X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_UTF8, (const unsigned char *)"Sallyport", -1, -1, 0);

	snprintf(names, sizeof names, "%s:%s,DNS:localhost,IP:127.0.0.1,IP:::1",
		address_parse(&address, host) == 0 ? "IP" : "DNS", host);
	return ok && X509_set_issuer_name(certificate, subject) &&
	       add_extension(certificate, NID_subject_alt_name, names) &&
	       add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(certificate, NID_ext_key_usage, "serverAuth");
}

static int write_pem(int fd, EVP_PKEY *key, X509 *certificate)
{
	BIO *out = BIO_new_fd(fd, BIO_NOCLOSE);
	int ok = out != NULL && (certificate != NULL ? PEM_write_bio_X509(out, certificate)
						     : PEM_write_bio_PrivateKey(out, key, NULL,
							       NULL, 0, NULL, NULL));

	BIO_free(out);
	return ok;
}

int certificate_make(const char *host, int key_fd, int certificate_fd)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	int ok = key != NULL && certificate != NULL &&
		 X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
		 X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
		 X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * DAYS) != NULL &&
		 X509_set_pubkey(certificate, key) && set_names(certificate, host) &&
		 X509_sign(certificate, key, EVP_sha256()) > 0 && write_pem(key_fd, key, NULL) &&
		 write_pem(certificate_fd, NULL, certificate);

	X509_free(certificate);
	EVP_PKEY_free(key);
	return ok ? 0 : -ERR_CRYPTO;
}
