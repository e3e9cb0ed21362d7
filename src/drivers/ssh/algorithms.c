/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ssh/algorithms.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* A key type, and what may be signed with it: RSA never with SHA-1. In order of preference. */
static const struct {
	const char *key, *algorithms;
} host_keys[] = {
	{ "ssh-ed25519", "ssh-ed25519" },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256" },
	{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384" },
	{ "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521" },
	{ "ssh-rsa", "rsa-sha2-512,rsa-sha2-256" },
};

/*
 * AES-GCM first: the fastest where the processor helps. No chacha20-poly1305 and no CBC: those are
 * what CVE-2023-48795 (Terrapin) can cut. No SHA-1, no 3DES, no group 1.
 */
static const struct {
	enum ssh_options_e option;
	const char *list;
} lists[] = {
	{ SSH_OPTIONS_KEY_EXCHANGE,
		"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-"
		"nistp384,"
		"ecdh-sha2-nistp521,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
		"diffie-hellman-group14-sha256,diffie-hellman-group-exchange-sha256" },
	{ SSH_OPTIONS_CIPHERS_C_S,
		"aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr" },
	{ SSH_OPTIONS_CIPHERS_S_C,
		"aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr" },
	{ SSH_OPTIONS_HMAC_C_S, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-"
				"sha2-256,hmac-sha2-512" },
	{ SSH_OPTIONS_HMAC_S_C, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-"
				"sha2-256,hmac-sha2-512" },
	{ SSH_OPTIONS_COMPRESSION_C_S, "none" },
	{ SSH_OPTIONS_COMPRESSION_S_C, "none" },
	{ SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-"
						"nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
						"rsa-sha2-256" },
};

/* Pins name a key type or one of its signature algorithms. */
static bool is_pinned(const struct worker_birth *birth, unsigned row)
{
	for (unsigned i = 0; i < birth->pin_count; i++) {
		const char *name = birth->pin_algorithms[i];

		if (strcmp(name, host_keys[row].key) == 0)
			return true;
		if (name[0] != '\0' && strncmp(name, "rsa-", 4) == 0 &&
			strcmp(host_keys[row].key, "ssh-rsa") == 0)
			return true;
	}
	return false;
}

void algorithms_host_keys(const struct worker_birth *birth, char out[ALGORITHMS_SIZE])
{
	size_t len = 0;

	out[0] = '\0';
	for (int wanted = 1; wanted >= 0; wanted--)
		for (unsigned row = 0; row < ARRAY_LEN(host_keys); row++)
			if (is_pinned(birth, row) == (wanted == 1))
				len += (size_t)snprintf(out + len, ALGORITHMS_SIZE - len, "%s%s",
					len > 0 ? "," : "", host_keys[row].algorithms);
}

int algorithms_set(ssh_session session, const struct worker_birth *birth)
{
	char keys[ALGORITHMS_SIZE];

	algorithms_host_keys(birth, keys);
	if (ssh_options_set(session, SSH_OPTIONS_HOSTKEYS, keys) < 0)
		return -ERR_SYSTEM;
	for (unsigned i = 0; i < ARRAY_LEN(lists); i++)
		if (ssh_options_set(session, lists[i].option, lists[i].list) < 0)
			return -ERR_SYSTEM;
	return 0;
}
