/* SPDX-License-Identifier: Apache-2.0 */
#include "api/names.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"

/* C1 controls, line and paragraph separators, marks that embed or override direction. */
static bool is_invisible(const unsigned char *at)
{
	if (at[0] == 0xc2)
		return at[1] < 0xa0;
	if (at[0] != 0xe2)
		return false;
	return (at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae) ||
	       (at[1] == 0x80 && at[2] >= 0x8b && at[2] <= 0x8f) ||
	       (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9);
}

bool name_fits(const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || name[0] == ' ' || name[len - 1] == ' ' || !utf8_valid(name, len))
		return false;
	for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++) {
		if (*at < 0x20 || *at == 0x7f || is_invisible(at))
			return false;
	}
	return true;
}

bool hostname_fits(const char *hostname)
{
	if (!isalnum((unsigned char)hostname[0]) || strlen(hostname) >= HOSTNAME_SIZE)
		return false;
	for (const char *at = hostname; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && strchr(".-_", *at) == NULL)
			return false;
	}
	return true;
}

int account_split(
	const char *account, char ret_username[USERNAME_SIZE], char ret_hostname[HOSTNAME_SIZE])
{
	const char *at = strrchr(account, '@');
	if (at == NULL || at == account || at[1] == '\0')
		return -ERR_MALFORMED;
	if (text_copy_len(ret_username, USERNAME_SIZE, account, at - account) < 0 ||
		text_copy(ret_hostname, HOSTNAME_SIZE, at + 1) < 0)
		return -ERR_MALFORMED;
	return 0;
}

bool session_id_fits(const char *session_id)
{
	return strlen(session_id) == SESSION_ID_SIZE - 1 &&
	       strspn(session_id, "0123456789abcdef") == SESSION_ID_SIZE - 1;
}
