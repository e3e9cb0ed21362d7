/* SPDX-License-Identifier: Apache-2.0 */
#include "token/wrap.h"

#include <string.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"

#define FORM 1
#define IV_LEN 12
#define TAG_LEN 16
#define HEAD_LEN (2 + IV_LEN)
#define KEY_LEN 32 /* bytes of a key that is made here */

static const char bound[] = "sallyport root key 1";

/* One module, its token, a session on it, the key. Whatever is there is given back at the end. */
struct wrap {
	const struct msg_token_question *question;
	P11KitUri *uri;
	CK_FUNCTION_LIST **modules; /* NULL-terminated */
	CK_FUNCTION_LIST *single[2];
	CK_FUNCTION_LIST *module; /* the one with the token */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	bool in_session;
	CK_OBJECT_HANDLE key;
};

static void wrap_finish(struct wrap *wrap)
{
	if (wrap->in_session) {
		wrap->module->C_Logout(wrap->session);
		wrap->module->C_CloseSession(wrap->session);
	}
	if (wrap->single[0] != NULL) {
		p11_kit_module_finalize(wrap->single[0]);
		p11_kit_module_release(wrap->single[0]);
	} else if (wrap->modules != NULL) {
		p11_kit_modules_finalize_and_release(wrap->modules);
	}
	p11_kit_uri_free(wrap->uri);
}

/* --- finding the token ---------------------------------------------------------------------- */

static int uri_read(struct wrap *wrap, const char *text)
{
	wrap->uri = p11_kit_uri_new();
	if (wrap->uri == NULL)
		return -ERR_SYSTEM;
	if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, wrap->uri) != P11_KIT_URI_OK ||
		p11_kit_uri_any_unrecognized(wrap->uri))
		return -ERR_TOKEN_UNSET;
	/* A PIN that everybody can read, and code from elsewhere than the settings say. */
	if (p11_kit_uri_get_pin_value(wrap->uri) != NULL ||
		p11_kit_uri_get_pin_source(wrap->uri) != NULL ||
		p11_kit_uri_get_module_path(wrap->uri) != NULL ||
		p11_kit_uri_get_module_name(wrap->uri) != NULL)
		return -ERR_TOKEN_UNSET;
	return p11_kit_uri_get_attribute(wrap->uri, CKA_LABEL) != NULL ? 0 : -ERR_TOKEN_UNSET;
}

static int modules_load(struct wrap *wrap, const char *path)
{
	if (path[0] == '\0') {
		wrap->modules = p11_kit_modules_load_and_initialize(0);
		return wrap->modules != NULL ? 0 : -ERR_TOKEN_FAULT;
	}
	CK_FUNCTION_LIST *module = p11_kit_module_load(path, P11_KIT_MODULE_CRITICAL);
	if (module == NULL)
		return -ERR_TOKEN_FAULT;
	if (p11_kit_module_initialize(module) != CKR_OK) {
		p11_kit_module_release(module);
		return -ERR_TOKEN_FAULT;
	}
	wrap->single[0] = module;
	wrap->modules = wrap->single;
	return 0;
}

static bool token_in(struct wrap *wrap, CK_FUNCTION_LIST *module)
{
	CK_SLOT_ID slots[WRAP_SLOTS_MAX];
	CK_ULONG count = WRAP_SLOTS_MAX;
	if (module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		return false;
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;
		if (module->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
			!p11_kit_uri_match_token_info(wrap->uri, &info))
			continue;
		wrap->module = module;
		wrap->slot = slots[i];
		return true;
	}
	return false;
}

static int token_find(struct wrap *wrap)
{
	for (unsigned i = 0; i < WRAP_MODULES_MAX && wrap->modules[i] != NULL; i++)
		if (token_in(wrap, wrap->modules[i]))
			return 0;
	return -ERR_TOKEN_ABSENT;
}

/* --- the PIN -------------------------------------------------------------------------------- */

static CK_FLAGS token_flags(const struct wrap *wrap)
{
	CK_TOKEN_INFO info;
	return wrap->module->C_GetTokenInfo(wrap->slot, &info) == CKR_OK ? info.flags : 0;
}

static int may_try(const struct wrap *wrap)
{
	CK_FLAGS flags = token_flags(wrap);
	if ((flags & CKF_USER_PIN_LOCKED) != 0)
		return -ERR_PIN_LOCKED;
	if (wrap->question->automatic &&
		(flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY)) != 0)
		return -ERR_PIN_HELD;
	return 0;
}

static int refused(const struct wrap *wrap)
{
	CK_FLAGS flags = token_flags(wrap);
	if ((flags & CKF_USER_PIN_LOCKED) != 0)
		return -ERR_PIN_LOCKED;
	return (flags & CKF_USER_PIN_FINAL_TRY) != 0 ? -ERR_PIN_WRONG_LAST : -ERR_PIN_WRONG;
}

static int login(struct wrap *wrap, const struct secret *pin)
{
	CK_FLAGS kind = CKF_SERIAL_SESSION | (wrap->question->make ? CKF_RW_SESSION : 0);
	if (wrap->module->C_OpenSession(wrap->slot, kind, NULL, NULL, &wrap->session) != CKR_OK)
		return -ERR_TOKEN_FAULT;
	wrap->in_session = true;
	CK_RV rv = wrap->module->C_Login(
		wrap->session, CKU_USER, (CK_UTF8CHAR *)secret_reveal(pin), secret_len(pin));
	switch (rv) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN:
		return 0;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		return refused(wrap);
	case CKR_PIN_LOCKED:
		return -ERR_PIN_LOCKED;
	default:
		return -ERR_TOKEN_FAULT;
	}
}

/* --- the key -------------------------------------------------------------------------------- */

#define ATTRIBUTE(type, variable)                                                                  \
	{                                                                                          \
		type, &(variable), sizeof(variable)                                                \
	}

/* What the URI says of it, beside its kind: its name, and its id if that is said. */
static CK_ULONG name_key(const struct wrap *wrap, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
	const CK_ATTRIBUTE *name = p11_kit_uri_get_attribute(wrap->uri, CKA_LABEL);
	const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(wrap->uri, CKA_ID);
	attributes[count++] = *name;
	if (id != NULL)
		attributes[count++] = *id;
	return count;
}

/* Exactly one: with two of a name, what one wrapped the other would be asked to unwrap. */
static int key_find(struct wrap *wrap)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_ATTRIBUTE wanted[4] = { ATTRIBUTE(CKA_CLASS, class), ATTRIBUTE(CKA_KEY_TYPE, type) };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count = 0;
	if (wrap->module->C_FindObjectsInit(wrap->session, wanted, name_key(wrap, wanted, 2)) !=
		CKR_OK)
		return -ERR_TOKEN_FAULT;
	CK_RV rv = wrap->module->C_FindObjects(wrap->session, found, 2, &count);
	wrap->module->C_FindObjectsFinal(wrap->session);
	if (rv != CKR_OK)
		return -ERR_TOKEN_FAULT;
	if (count == 0)
		return -ERR_TOKEN_KEY_ABSENT;
	wrap->key = found[0];
	return count == 1 ? 0 : -ERR_TOKEN_KEY_UNFIT;
}

static int key_make(struct wrap *wrap)
{
	CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG len = KEY_LEN;
	CK_ATTRIBUTE attributes[10] = { ATTRIBUTE(CKA_VALUE_LEN, len), ATTRIBUTE(CKA_TOKEN, yes),
		ATTRIBUTE(CKA_PRIVATE, yes), ATTRIBUTE(CKA_SENSITIVE, yes),
		ATTRIBUTE(CKA_EXTRACTABLE, no), ATTRIBUTE(CKA_ENCRYPT, yes),
		ATTRIBUTE(CKA_DECRYPT, yes) };
	CK_RV rv = wrap->module->C_GenerateKey(
		wrap->session, &mechanism, attributes, name_key(wrap, attributes, 7), &wrap->key);
	return rv == CKR_OK ? 0 : -ERR_TOKEN_FAULT;
}

/* A key that the token would give away wraps nothing of ours. */
static int key_check(const struct wrap *wrap)
{
	CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
	CK_ATTRIBUTE attributes[] = { ATTRIBUTE(CKA_SENSITIVE, sensitive),
		ATTRIBUTE(CKA_EXTRACTABLE, extractable) };
	if (wrap->module->C_GetAttributeValue(
		    wrap->session, wrap->key, attributes, ARRAY_LEN(attributes)) != CKR_OK)
		return -ERR_TOKEN_FAULT;
	return sensitive && !extractable ? 0 : -ERR_TOKEN_KEY_UNFIT;
}

/* --- wrapping ------------------------------------------------------------------------------- */

static CK_GCM_PARAMS gcm(uint8_t *iv)
{
	return (CK_GCM_PARAMS){ iv, IV_LEN, 8 * IV_LEN, (CK_BYTE *)bound, sizeof bound - 1,
		8 * TAG_LEN };
}

static int encrypt(const struct wrap *wrap, struct msg_token_answer *ret_answer)
{
	const struct msg_token_question *question = wrap->question;
	uint8_t *iv = ret_answer->bytes + 2;
	CK_GCM_PARAMS parameters = gcm(iv);
	CK_MECHANISM mechanism = { CKM_AES_GCM, &parameters, sizeof parameters };
	CK_ULONG len = sizeof ret_answer->bytes - HEAD_LEN;
	ret_answer->bytes[0] = FORM;
	ret_answer->bytes[1] = IV_LEN;
	random_bytes(iv, IV_LEN);
	if (wrap->module->C_EncryptInit(wrap->session, &mechanism, wrap->key) != CKR_OK)
		return -ERR_TOKEN_KEY_UNFIT;
	if (wrap->module->C_Encrypt(wrap->session, (CK_BYTE *)question->bytes, question->len,
		    ret_answer->bytes + HEAD_LEN, &len) != CKR_OK ||
		len != question->len + (CK_ULONG)TAG_LEN)
		return -ERR_TOKEN_FAULT;
	ret_answer->len = (uint16_t)(HEAD_LEN + len);
	return 0;
}

static int decrypt(const struct wrap *wrap, struct msg_token_answer *ret_answer)
{
	const struct msg_token_question *question = wrap->question;
	uint8_t iv[IV_LEN];
	CK_GCM_PARAMS parameters = gcm(iv);
	CK_MECHANISM mechanism = { CKM_AES_GCM, &parameters, sizeof parameters };
	CK_ULONG len = sizeof ret_answer->bytes;
	if (question->len <= HEAD_LEN + TAG_LEN || question->bytes[0] != FORM ||
		question->bytes[1] != IV_LEN)
		return -ERR_TOKEN_KEY_WRONG;
	memcpy(iv, question->bytes + 2, IV_LEN);
	if (wrap->module->C_DecryptInit(wrap->session, &mechanism, wrap->key) != CKR_OK)
		return -ERR_TOKEN_KEY_UNFIT;
	if (wrap->module->C_Decrypt(wrap->session, (CK_BYTE *)question->bytes + HEAD_LEN,
		    question->len - HEAD_LEN, ret_answer->bytes, &len) != CKR_OK ||
		len > question->len)
		return -ERR_TOKEN_KEY_WRONG;
	ret_answer->len = (uint16_t)len;
	return 0;
}

static int work(struct wrap *wrap, const struct wrap_place *place, const struct secret *pin,
	struct msg_token_answer *ret_answer)
{
	int r = uri_read(wrap, place->key);
	if (r == 0)
		r = modules_load(wrap, place->module);
	if (r == 0)
		r = token_find(wrap);
	if (r == 0)
		r = may_try(wrap);
	if (r == 0)
		r = login(wrap, pin);
	if (r == 0)
		r = key_find(wrap);
	if (r == -ERR_TOKEN_KEY_ABSENT && wrap->question->make)
		r = key_make(wrap);
	if (r == 0)
		r = key_check(wrap);
	if (r == 0)
		r = wrap->question->wrap ? encrypt(wrap, ret_answer) : decrypt(wrap, ret_answer);
	return r;
}

int wrap_answer(const struct wrap_place *place, const struct msg_token_question *question,
	const struct secret *pin, struct msg_token_answer *ret_answer)
{
	struct wrap wrap = { .question = question };
	if (question->len == 0 || question->len > sizeof question->bytes ||
		(question->wrap && question->len > sizeof question->bytes - HEAD_LEN - TAG_LEN))
		return -ERR_MALFORMED;
	int r = work(&wrap, place, pin, ret_answer);
	wrap_finish(&wrap);
	return r;
}
