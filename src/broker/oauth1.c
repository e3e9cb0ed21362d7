/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/oauth1.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"

bool oauth1_present(const struct msg_api_call *head, const struct param *params, unsigned count)
{
	if (strncasecmp(head->authorization, "OAuth ", 6) == 0)
		return true;
	for (unsigned i = 0; i < count; i++)
		if (params[i].place == PLACE_QUERY && params[i].name_len == 18 &&
			memcmp(params[i].name, "oauth_consumer_key", 18) == 0)
			return true;
	return false;
}

/* Keeps one decoded oauth_ parameter; the signature apart. */
static int param_keep(struct oauth1 *oauth, const char *name, size_t name_len, const char *value,
	size_t value_len)
{
	for (unsigned i = 0; i < oauth->param_count; i++)
		if (strlen(oauth->params[i].name) == name_len &&
			memcmp(oauth->params[i].name, name, name_len) == 0)
			return -ERR_SIGNATURE_INVALID;
	if (name_len == 15 && memcmp(name, "oauth_signature", 15) == 0) {
		if (oauth->signature[0] != 0 ||
			text_copy_len(oauth->signature, sizeof oauth->signature, value, value_len) <
				0)
			return -ERR_SIGNATURE_INVALID;
		return 0;
	}
	if (oauth->param_count == OAUTH1_PARAMS_MAX)
		return -ERR_SIGNATURE_INVALID;
	unsigned at = oauth->param_count++;
	if (text_copy_len(oauth->params[at].name, sizeof oauth->params[at].name, name, name_len) <
			0 ||
		text_copy_len(oauth->params[at].value, sizeof oauth->params[at].value, value,
			value_len) < 0)
		return -ERR_SIGNATURE_INVALID;
	return 0;
}

static int header_param(struct oauth1 *oauth, const char *name, size_t name_len, const char *value,
	size_t value_len)
{
	char plain_name[32], plain_value[160];

	if (name_len == 5 && strncasecmp(name, "realm", 5) == 0)
		return 0;
	int got_name = percent_decode(plain_name, sizeof plain_name, name, name_len, 0);
	int got_value = percent_decode(plain_value, sizeof plain_value, value, value_len, 0);
	if (got_name < 0 || got_value < 0)
		return -ERR_SIGNATURE_INVALID;
	return param_keep(oauth, plain_name, (size_t)got_name, plain_value, (size_t)got_value);
}

/* OAuth name="value", name="value" (section 3.5.1); values hold no quotes, they are encoded. */
static int header_read(struct oauth1 *oauth, const char *field)
{
	const char *at = field + 6;

	for (;;) {
		at += strspn(at, " \t");
		size_t name_len = strcspn(at, "= \t,\"");
		const char *name = at;
		at += name_len;
		if (name_len == 0 || at[0] != '=' || at[1] != '"')
			return -ERR_SIGNATURE_INVALID;
		at += 2;
		size_t value_len = strcspn(at, "\"");
		if (at[value_len] != '"')
			return -ERR_SIGNATURE_INVALID;
		int r = header_param(oauth, name, name_len, at, value_len);
		if (r < 0)
			return r;
		at += value_len + 1;
		at += strspn(at, " \t");
		if (*at == 0)
			return 0;
		if (*at++ != ',')
			return -ERR_SIGNATURE_INVALID;
	}
}

static bool is_oauth_name(const struct param *param)
{
	return param->name_len > 6 && memcmp(param->name, "oauth_", 6) == 0;
}

static int query_read(struct oauth1 *oauth, const struct param *params, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (!is_oauth_name(&params[i]))
			continue;
		/* In one place only: a header that says one thing and a query that says another. */
		if (oauth->in_header || params[i].place != PLACE_QUERY)
			return -ERR_SIGNATURE_INVALID;
		int r = param_keep(oauth, params[i].name, params[i].name_len, params[i].value,
			params[i].value_len);
		if (r < 0)
			return r;
	}
	return 0;
}

static const char *param_value(const struct oauth1 *oauth, const char *name)
{
	for (unsigned i = 0; i < oauth->param_count; i++)
		if (strcmp(oauth->params[i].name, name) == 0)
			return oauth->params[i].value;
	return NULL;
}

static int take(const struct oauth1 *oauth, const char *name, char *out, size_t size)
{
	const char *value = param_value(oauth, name);

	if (value == NULL || value[0] == 0 || text_copy(out, size, value) < 0)
		return -ERR_SIGNATURE_INVALID;
	return 0;
}

static int timestamp_check(struct oauth1 *oauth, int64_t now)
{
	char text[16];
	int r = take(oauth, "oauth_timestamp", text, sizeof text);

	if (r < 0)
		return r;
	for (const char *at = text; *at != 0; at++) {
		if (!isdigit((unsigned char)*at))
			return -ERR_SIGNATURE_INVALID;
		oauth->timestamp = oauth->timestamp * 10 + (*at - '0');
	}
	int64_t away = oauth->timestamp - now / 1000;
	return away > OAUTH1_SKEW_S || away < -OAUTH1_SKEW_S ? -ERR_SIGNATURE_INVALID : 0;
}

static int method_check(struct oauth1 *oauth)
{
	const char *method = param_value(oauth, "oauth_signature_method");
	const char *version = param_value(oauth, "oauth_version");

	if (version != NULL && strcmp(version, "1.0") != 0)
		return -ERR_SIGNATURE_INVALID;
	if (method == NULL)
		return -ERR_SIGNATURE_INVALID;
	oauth->sha256 = strcmp(method, "HMAC-SHA256") == 0;
	return oauth->sha256 || strcmp(method, "HMAC-SHA1") == 0 ? 0 : -ERR_SIGNATURE_INVALID;
}

static int body_hash_check(struct oauth1 *oauth, const struct msg_api_call *head)
{
	const char *sent = param_value(oauth, "oauth_body_hash");
	char expected[BASE64_SIZE(32)];

	if (sent == NULL)
		return 0;
	if (oauth->sha256)
		base64_encode(expected, head->body_hash_sha256, 32);
	else
		base64_encode(expected, head->body_hash_sha1, 20);
	return strcmp(sent, expected) == 0 ? 0 : -ERR_SIGNATURE_INVALID;
}

int oauth1_read(struct oauth1 *ret_oauth, const struct msg_api_call *head,
	const struct param *params, unsigned count, int64_t now)
{
	int r = 0;

	memset(ret_oauth, 0, sizeof *ret_oauth);
	ret_oauth->in_header = strncasecmp(head->authorization, "OAuth ", 6) == 0;
	if (ret_oauth->in_header)
		r = header_read(ret_oauth, head->authorization);
	if (r == 0)
		r = query_read(ret_oauth, params, count);
	if (r == 0)
		r = take(ret_oauth, "oauth_consumer_key", ret_oauth->consumer_key,
			sizeof ret_oauth->consumer_key);
	if (r == 0)
		r = take(ret_oauth, "oauth_token", ret_oauth->token, sizeof ret_oauth->token);
	if (r == 0)
		r = take(ret_oauth, "oauth_nonce", ret_oauth->nonce, sizeof ret_oauth->nonce);
	if (r == 0 && ret_oauth->signature[0] == 0)
		r = -ERR_SIGNATURE_INVALID;
	if (r == 0)
		r = method_check(ret_oauth);
	if (r == 0)
		r = timestamp_check(ret_oauth, now);
	if (r == 0)
		r = body_hash_check(ret_oauth, head);
	return r;
}

/* One encoded "name=value", as offsets into the text that all of them are written to. */
struct pair {
	const char *text;
	size_t at, name_len, value_at, value_len;
};

static int pair_compare(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	size_t len = MIN(x->name_len, y->name_len);
	int order = memcmp(x->text + x->at, y->text + y->at, len);

	if (order == 0 && x->name_len != y->name_len)
		order = x->name_len < y->name_len ? -1 : 1;
	if (order != 0)
		return order;
	len = MIN(x->value_len, y->value_len);
	order = memcmp(x->text + x->value_at, y->text + y->value_at, len);
	if (order == 0 && x->value_len != y->value_len)
		order = x->value_len < y->value_len ? -1 : 1;
	return order;
}

static int pair_add(struct buf *text, struct pair *pair, const char *name, size_t name_len,
	const char *value, size_t value_len)
{
	pair->at = text->len;
	int r = percent_encode(text, name, name_len);
	pair->name_len = text->len - pair->at;
	pair->value_at = text->len;
	if (r == 0)
		r = percent_encode(text, value, value_len);
	pair->value_len = text->len - pair->value_at;
	return r;
}

/* Query, form body and oauth_ parameters, each once (section 3.4.1.3.1). */
static int pairs_collect(const struct oauth1 *oauth, const struct msg_api_call *head,
	const struct param *params, unsigned count, struct buf *text, struct pair *pairs,
	unsigned *ret_count)
{
	unsigned used = 0;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < oauth->param_count; i++)
		r = pair_add(text, &pairs[used++], oauth->params[i].name,
			strlen(oauth->params[i].name), oauth->params[i].value,
			strlen(oauth->params[i].value));
	for (unsigned i = 0; r == 0 && i < count; i++) {
		bool signed_too = params[i].place == PLACE_QUERY ||
				  (params[i].place == PLACE_FORM && head->body_is_form);
		if (signed_too && !is_oauth_name(&params[i]))
			r = pair_add(text, &pairs[used++], params[i].name, params[i].name_len,
				params[i].value, params[i].value_len);
	}
	for (unsigned i = 0; i < used; i++)
		pairs[i].text = (const char *)text->data;
	*ret_count = used;
	return r;
}

/* scheme "://" host [":" port unless it is the scheme's own] path, encoded (section 3.4.1.2). */
static int uri_append(const struct msg_api_call *head, struct buf *out)
{
	const char *own = strcmp(head->scheme, "https") == 0 ? ":443" : ":80";
	size_t host_len = strlen(head->host), own_len = strlen(own);

	if (host_len > own_len && strcmp(head->host + host_len - own_len, own) == 0)
		host_len -= own_len;
	int r = percent_encode(out, head->scheme, strlen(head->scheme));
	if (r == 0)
		r = percent_encode(out, "://", 3);
	if (r == 0)
		r = percent_encode(out, head->host, host_len);
	if (r == 0)
		r = percent_encode(out, head->raw_path, strlen(head->raw_path));
	return r;
}

static int pairs_append(const struct pair *pairs, unsigned count, struct buf *out)
{
	CLEANUP(buf_finish) struct buf joined = BUF(OAUTH1_BASE_MAX);
	int r = 0;

	for (unsigned i = 0; r == 0 && i < count; i++) {
		if (i > 0)
			r = buf_append(&joined, "&", 1);
		if (r == 0)
			r = buf_append(&joined, pairs[i].text + pairs[i].at, pairs[i].name_len);
		if (r == 0)
			r = buf_append(&joined, "=", 1);
		if (r == 0)
			r = buf_append(
				&joined, pairs[i].text + pairs[i].value_at, pairs[i].value_len);
	}
	return r < 0 ? r : percent_encode(out, joined.data, joined.len);
}

int oauth1_base_string(const struct oauth1 *oauth, const struct msg_api_call *head,
	const struct param *params, unsigned count, struct buf *out)
{
	CLEANUP(buf_finish) struct buf text = BUF(OAUTH1_BASE_MAX);
	struct pair pairs[OAUTH1_PARAMS_MAX + PARAMS_MAX];
	unsigned used;

	int r = pairs_collect(oauth, head, params, count, &text, pairs, &used);
	if (r < 0)
		return r;
	qsort(pairs, used, sizeof pairs[0], pair_compare);
	r = percent_encode(out, head->method, strlen(head->method));
	if (r == 0)
		r = buf_append(out, "&", 1);
	if (r == 0)
		r = uri_append(head, out);
	if (r == 0)
		r = buf_append(out, "&", 1);
	if (r == 0)
		r = pairs_append(pairs, used, out);
	return r;
}
