/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module that is not what it should be, as the word in the environment's LIAR says:
 *
 *	low, final, locked	its token says that of the PIN
 *	extractable, open	its key can be taken out, or is not secret
 *	two			has two keys of the name
 *	gcmless			its key does no AES-GCM
 *	long			answers with more than was asked for
 *	hangs			never comes back from its initialization
 *	dies			takes the program with it at the login
 *
 * Each C_Login() appends a byte to the file that LIAR_LOGINS names.
 */
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned found;

static bool is(const char *word)
{
	const char *plan = getenv("LIAR");
	return plan != NULL && strcmp(plan, word) == 0;
}

static CK_RV initialize(void *arguments)
{
	while (is("hangs"))
		pause();
	return CKR_OK;
}

static CK_RV finalize(void *reserved)
{
	return CKR_OK;
}

static CK_RV info(CK_INFO *ret_info)
{
	memset(ret_info, 0, sizeof *ret_info);
	ret_info->cryptokiVersion.major = 2;
	ret_info->cryptokiVersion.minor = 40;
	return CKR_OK;
}

static CK_RV slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
	if (slots != NULL)
		slots[0] = 1;
	*count = 1;
	return CKR_OK;
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *ret_info)
{
	memset(ret_info, ' ', sizeof *ret_info);
	memcpy(ret_info->label, "gate", 4);
	ret_info->flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED;
	if (is("low"))
		ret_info->flags |= CKF_USER_PIN_COUNT_LOW;
	if (is("final"))
		ret_info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (is("locked"))
		ret_info->flags |= CKF_USER_PIN_LOCKED;
	return CKR_OK;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
	CK_SESSION_HANDLE *ret_session)
{
	*ret_session = 1;
	found = 0;
	return CKR_OK;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
	return CKR_OK;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len)
{
	const char *path = getenv("LIAR_LOGINS");
	int count = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
	if (count >= 0 && write(count, "x", 1) == 1)
		close(count);
	if (is("dies"))
		_exit(1);
	return len == 4 && memcmp(pin, "4321", 4) == 0 ? CKR_OK : CKR_PIN_INCORRECT;
}

static CK_RV logout(CK_SESSION_HANDLE session)
{
	return CKR_OK;
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted, CK_ULONG count)
{
	return CKR_OK;
}

static CK_RV find(
	CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG most, CK_ULONG *ret_count)
{
	*ret_count = is("two") ? 2 : 1;
	for (CK_ULONG i = 0; i < *ret_count && i < most; i++)
		objects[i] = i + 1;
	return CKR_OK;
}

static CK_RV find_final(CK_SESSION_HANDLE session)
{
	return CKR_OK;
}

static CK_RV attributes(
	CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *wanted, CK_ULONG count)
{
	for (CK_ULONG i = 0; i < count; i++) {
		CK_BBOOL value = wanted[i].type == CKA_SENSITIVE ? !is("open") : is("extractable");
		memcpy(wanted[i].pValue, &value, sizeof value);
	}
	return CKR_OK;
}

static CK_RV crypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return is("gcmless") ? CKR_MECHANISM_INVALID : CKR_OK;
}

/* As many bytes as there is room for, and says so. */
static CK_RV pretend(
	CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *len)
{
	if (!is("long"))
		*len = in_len;
	memset(out, 0x41, *len);
	return CKR_OK;
}

static CK_FUNCTION_LIST list = { .version = { 2, 40 },
	.C_Initialize = initialize,
	.C_Finalize = finalize,
	.C_GetInfo = info,
	.C_GetFunctionList = C_GetFunctionList,
	.C_GetSlotList = slot_list,
	.C_GetTokenInfo = token_info,
	.C_OpenSession = open_session,
	.C_CloseSession = close_session,
	.C_Login = login,
	.C_Logout = logout,
	.C_FindObjectsInit = find_init,
	.C_FindObjects = find,
	.C_FindObjectsFinal = find_final,
	.C_GetAttributeValue = attributes,
	.C_EncryptInit = crypt_init,
	.C_Encrypt = pretend,
	.C_DecryptInit = crypt_init,
	.C_Decrypt = pretend };

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret_list)
{
	*ret_list = &list;
	return CKR_OK;
}
