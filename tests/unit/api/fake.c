/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <fcntl.h>
#include <stdarg.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "broker/drivers.h"
#include "broker/probe.h"
#include "broker/witness.h"

#define ANSWER_MAX (1024 * 1024)
#define PARAMS 16

struct call {
	struct broker *broker;
	const struct endpoint *endpoint;
	struct {
		const char *name, *value;
	} params[PARAMS];
	unsigned param_count;
	int fd_in, fd_out;
	struct buf entity_text, audit_text;
	struct json entity_json, audit_json;
	char *entity, *audit; /* texts */
	char values[16][256]; /* what fake_at() returned */
	unsigned value_count;
	char object[NAME_SIZE + 512], message[REASON_SIZE], detail[REASON_SIZE];
	struct principal principal;
	struct address nobody;
	struct settings settings;
	int (*resume)(struct broker *, struct call *, int);
};
static struct call call = { .fd_in = -1, .fd_out = -1 };

static void forget(void)
{
	free(call.entity);
	free(call.audit);
	buf_finish(&call.entity_text);
	buf_finish(&call.audit_text);
	call = (struct call){ .fd_in = call.fd_in, .fd_out = call.fd_out };
	call.entity_text = BUF(ANSWER_MAX);
	call.audit_text = BUF(ANSWER_MAX);
	settings_defaults(&call.settings);
}

struct broker fake_broker(void **state)
{
	return (struct broker){ .fixture = *state, .key_version = 1 };
}

static void check_field(const char *name, const char *value)
{
	const struct field *field = call.endpoint->fields;
	size_t plain = strcspn(name, ".");
	while (field->name != NULL &&
		(strlen(field->name) != plain || strncmp(field->name, name, plain) != 0))
		field++;
	assert_non_null(field->name); /* the endpoint has no such field */
	if (field->type == FIELD_TEXT)
		assert_true((int64_t)strlen(value) <= field->most);
}

/* -ERR of the first field that must be there and is not. */
static int missing_field(void)
{
	for (const struct field *field = call.endpoint->fields; field->name != NULL; field++) {
		if (field->missing != ERR_NONE && call_text(&call, field->name) == NULL)
			return -(int)field->missing;
	}
	return 0;
}

static char *finished(struct json *json, struct buf *text)
{
	if (json->out == NULL)
		return NULL;
	json_close_object(json);
	assert_int_equal(json_finish(json), 0);
	return strndup((char *)text->data, text->len);
}

int fake_call(struct broker *broker, const struct endpoint *endpoint, ...)
{
	va_list arguments;
	const char *name;
	forget();
	call.broker = broker;
	call.endpoint = endpoint;
	va_start(arguments, endpoint);
	while ((name = va_arg(arguments, const char *)) != NULL) {
		const char *value = va_arg(arguments, const char *);
		check_field(name, value);
		assert_true(call.param_count < PARAMS);
		call.params[call.param_count].name = name;
		call.params[call.param_count++].value = value;
	}
	va_end(arguments);
	struct store *store = broker->fixture->store;
	assert_int_equal(store_begin(store), 0);
	int r = missing_field();
	if (r == 0)
		r = endpoint->answer(broker, &call);
	if (r == -ERR_AGAIN)
		r = call.resume(broker, &call, 0);
	if (r < 0)
		store_rollback(store);
	else
		assert_int_equal(store_commit(store), 0);
	call.entity = finished(&call.entity_json, &call.entity_text);
	call.audit = finished(&call.audit_json, &call.audit_text);
	call.fd_in = call.fd_out = -1;
	return r;
}

void fake_fds(int in, int out)
{
	call.fd_in = in;
	call.fd_out = out;
}

/* Past one value. What is read was written by base/json.c, which has tests of its own. */
static const char *skip_value(const char *at)
{
	int depth = 0;
	do {
		if (*at == '"') {
			while (*++at != '"')
				at += *at == '\\';
		} else if (*at == '{' || *at == '[') {
			depth++;
		} else if (*at == '}' || *at == ']') {
			depth--;
		}
		at++;
	} while (depth > 0 || strchr(",:}]", *at) == NULL);
	return at;
}

/* To the member or element that path begins with; NULL when there is none. */
static const char *step_into(const char *at, const char *path, size_t len)
{
	bool object = *at == '{';
	unsigned index = strtoul(path, NULL, 10);
	if (*at != '{' && *at != '[')
		return NULL;
	for (at++; *at != '}' && *at != ']'; at += *at == ',') {
		const char *name = at + 1;
		if (object)
			at = strchr(name, '"') + 2; /* names have no escapes, writers no blanks */
		if (object ? strncmp(name, path, len) == 0 && name[len] == '"' : index-- == 0)
			return at;
		at = skip_value(at);
	}
	return NULL;
}

static const char *value_at(const char *at, const char *path)
{
	while (at != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");
		at = step_into(at, path, len);
		path += len + (path[len] == '.');
	}
	if (at == NULL)
		return NULL;
	char *out = call.values[call.value_count++ % 16];
	const char *end = skip_value(at);
	bool text = *at == '"';
	size_t used = 0;
	for (at += text; at < end - text && used < 255; at++)
		out[used++] = *at == '\\' ? *++at : *at;
	out[used] = '\0';
	return out;
}

static const char *member(void)
{
	const char *at = call.entity != NULL ? strchr(call.entity, ':') : NULL;
	if (at != NULL)
		assert_string_equal(skip_value(at + 1), "}"); /* only one */
	return at != NULL ? at + 1 : NULL;
}

const char *fake_at(const char *path)
{
	return value_at(member(), path);
}

long long fake_number(const char *path)
{
	const char *value = fake_at(path);
	assert_non_null(value);
	return strtoll(value, NULL, 10);
}

const char *fake_audit_at(const char *path)
{
	return value_at(call.audit, path);
}

long long fake_audit_number(const char *path)
{
	const char *value = fake_audit_at(path);
	assert_non_null(value);
	return strtoll(value, NULL, 10);
}

unsigned fake_count(void)
{
	const char *at = member();
	unsigned count = 0;
	assert_non_null(at);
	for (at++; *at != '}' && *at != ']'; at += *at == ',') {
		at = skip_value(at);
		if (*at == ':')
			at = skip_value(at + 1);
		count++;
	}
	return count;
}

const char *fake_entity(void)
{
	return call.entity;
}

const char *fake_audit(void)
{
	return call.audit;
}

const char *fake_object(void)
{
	return call.object;
}

const char *fake_message(void)
{
	return call.message;
}

const char *fake_detail(void)
{
	return call.detail;
}

int fake_pipe_with(const char *text)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	close(ends[1]);
	return ends[0];
}

int fake_close(void **state)
{
	forget();
	return fixture_close(state);
}

/* broker/call.h */
const char *call_text(const struct call *unused, const char *name)
{
	for (unsigned i = 0; i < call.param_count; i++) {
		if (strcmp(call.params[i].name, name) == 0)
			return call.params[i].value;
	}
	return NULL;
}

int64_t call_number(const struct call *unused, const char *name, int64_t otherwise)
{
	const char *text = call_text(&call, name);
	return text != NULL ? strtoll(text, NULL, 10) : otherwise;
}

bool call_bool(const struct call *unused, const char *name, bool otherwise)
{
	const char *text = call_text(&call, name);
	return text != NULL ? strcmp(text, "true") == 0 : otherwise;
}

const char *call_item(const struct call *unused, const char *name, unsigned index)
{
	char full[64];
	snprintf(full, sizeof full, "%s.%u", name, index);
	return call_text(&call, full);
}

int call_fd_in(const struct call *unused)
{
	return call.fd_in;
}

int call_fd_out(const struct call *unused)
{
	return call.fd_out;
}

int64_t call_now(const struct call *unused)
{
	return NOW;
}

struct store *call_store(const struct call *unused)
{
	return call.broker->fixture->store;
}

const struct settings *call_settings(const struct call *unused)
{
	return &call.settings;
}

static struct json *opened(struct json *json, struct buf *text)
{
	if (json->out == NULL) {
		*json = json_begin(text);
		json_open_object(json, NULL);
	}
	return json;
}

struct json *call_json(struct call *unused)
{
	return opened(&call.entity_json, &call.entity_text);
}

struct json *call_audit(struct call *unused)
{
	return opened(&call.audit_json, &call.audit_text);
}

void call_detail(struct call *unused, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(call.detail, sizeof call.detail, format, arguments);
	va_end(arguments);
}

int call_fail(struct call *unused, int r, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(call.message, sizeof call.message, format, arguments);
	va_end(arguments);
	return r;
}

void call_object(struct call *unused, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(call.object, sizeof call.object, format, arguments);
	va_end(arguments);
}

/* broker/vault.h: an envelope is the text "sealed N" */
static int seal(struct broker *broker, const struct identity *identity, enum secret_kind kind,
	struct sealed *ret_sealed)
{
	if (broker->vault_result < 0)
		return broker->vault_result;
	assert_true(broker->sealed < 4);
	broker->sealed_kind[broker->sealed] = kind;
	broker->sealed_as[broker->sealed++] = *identity;
	memset(ret_sealed, 0, sizeof *ret_sealed);
	ret_sealed->key_version = broker->key_version;
	ret_sealed->len =
		snprintf((char *)ret_sealed->bytes, SEALED_MAX, "sealed %u", broker->sealed);
	return 0;
}

int vault_seal(struct broker *broker, const struct identity *identity, enum secret_kind kind,
	int from, struct sealed *ret_sealed)
{
	ssize_t len = read(from, broker->secret, sizeof broker->secret - 1);
	assert_true(len >= 0);
	broker->secret[len] = '\0';
	int r = seal(broker, identity, kind, ret_sealed);
	if (r == 0 && kind == SECRET_SSH_KEY)
		snprintf(ret_sealed->detail, sizeof ret_sealed->detail, "ssh-ed25519 SHA256:x");
	return r;
}

int vault_seal_new(struct broker *broker, const struct identity *identity, enum secret_kind kind,
	int to, struct sealed *ret_sealed)
{
	int r = seal(broker, identity, kind, ret_sealed);
	if (r == 0)
		assert_int_equal(write(to, "5ec2e7", 6), 6);
	return r;
}

int vault_status(struct broker *broker, struct msg_vault_state *ret_state)
{
	*ret_state = broker->vault;
	ret_state->key_version = broker->key_version;
	ret_state->releases = 7;
	return broker->vault_result;
}

bool vault_sealed(const struct broker *broker)
{
	return broker->vault.sealed;
}

int vault_seal_itself(struct broker *broker, struct msg_vault_state *ret_state)
{
	if (broker->vault_result == 0)
		broker->vault.sealed = 1;
	return vault_status(broker, ret_state);
}

/* Whoever waits for the vault is resumed at once. */
static int later(struct broker *broker, struct call *asking, int secret, later_fn *resume)
{
	ssize_t len = secret < 0 ? 0 : read(secret, broker->secret, sizeof broker->secret - 1);
	assert_true(len >= 0);
	broker->secret[len] = '\0';
	vault_status(broker, &broker->said);
	return resume(broker, asking, broker->vault_result);
}

int vault_unseal(struct broker *broker, struct call *asking, int secret, later_fn *resume)
{
	return later(broker, asking, secret, resume);
}

int vault_rotate(struct broker *broker, struct call *asking, int secret, later_fn *resume)
{
	if (broker->vault_result == 0)
		broker->key_version++;
	return later(broker, asking, secret, resume);
}

const struct msg_vault_state *vault_said(const struct call *asking)
{
	return &asking->broker->said;
}

int rotation_progress(struct broker *broker, struct rotation_progress *ret_progress)
{
	*ret_progress = broker->progress;
	return broker->progress_result;
}

int vault_open_recording(struct broker *broker, const struct msg_recording_open *recording, int to)
{
	if (broker->vault_result < 0)
		return broker->vault_result;
	memcpy(broker->opened, recording->session_id, sizeof broker->opened);
	broker->opened_secrets = recording->secrets != 0;
	assert_int_equal(
		write(to, recording->wrapped, recording->wrapped_len), recording->wrapped_len);
	return 0;
}

/* broker/ending.h: ends what stands on the row, as the real one does in the store */
struct endings {
	struct broker *broker;
	int64_t ids[16];
	int count;
};

static int collect(void *context, const struct session_row *session)
{
	struct endings *endings = context;
	assert_true(endings->count < 16);
	endings->ids[endings->count++] = session->id;
	return 0;
}

int ending_of(struct broker *broker, enum ending_of what, int64_t id, const char *reason)
{
	static const int of[] = { [ENDING_USER] = SESSION_OF_USER,
		[ENDING_DEVICE] = SESSION_OF_DEVICE,
		[ENDING_CREDENTIAL] = SESSION_OF_CREDENTIAL,
		[ENDING_AUTHORIZATION] = SESSION_OF_AUTHORIZATION,
		[ENDING_UNCOVERED] = SESSION_UNCOVERED,
		[ENDING_EVERYTHING] = SESSION_OF_ALL };
	struct store *store = broker->fixture->store;
	struct endings endings = { .broker = broker, .ids = { id }, .count = 1 };
	int ended = 0;
	if (what != ENDING_SESSION) {
		endings.count = 0;
		assert_int_equal(
			store_session_created_by(store, of[what], id, collect, &endings), 0);
	}
	for (int i = 0; i < endings.count; i++)
		ended += store_session_ended(store, endings.ids[i], 0, reason, -1, NOW) == 0;
	assert_int_equal(text_copy(broker->ended_because, REASON_SIZE, reason), 0);
	return ended;
}

void witness_write(struct json *json, const struct broker *broker)
{
	json_put_null(json, "witness");
}

void broker_figures(const struct broker *broker, struct figures *ret_figures)
{
	*ret_figures = (struct figures){
		.live = 3, .calls = 9, .started_at = NOW - 5000, .vault_connected = 1
	};
}

/* broker/renewal.h */
int renewal_ask(struct broker *broker, struct call *unused, bool force,
	int (*resume)(struct broker *, struct call *, int))
{
	broker->forced = force;
	call.resume = resume;
	return -ERR_AGAIN;
}

const struct msg_reload_answer *renewal_answer(const struct broker *broker)
{
	return &broker->reload;
}

const struct msg_generations *renewal_generations(const struct broker *broker)
{
	return &broker->generations;
}

unsigned renewal_sessions(const struct broker *broker, uint32_t generation)
{
	(void)broker;
	return generation * 10;
}

/* A list: all of it at once. */
int call_list(struct call *unused, const char *name, list_fn *fn)
{
	const char *since = call_text(&call, "since");
	struct store_page page = { .last = INT64_MAX,
		.limit = (unsigned)call_number(&call, "limit", INT32_MAX),
		.offset = call_number(&call, "offset", 0) };
	int r = since != NULL && clock_parse(since, &page.since) < 0 ? -ERR_PARAMETER_INVALID : 0;
	json_open_array(call_json(&call), name);
	if (r == 0)
		r = fn(&call, &page);
	json_close_array(call_json(&call));
	return r;
}

int call_list_row(struct call *unused, int64_t key)
{
	assert_true(key > 0);
	return 0;
}

/* broker/probe.h, broker/drivers.h */
int probe_start(struct broker *broker, struct call *unused, const struct device_row *device,
	const char *protocol, uint16_t port, int (*resume)(struct broker *, struct call *, int))
{
	if (broker->probe == NULL)
		return -ERR_PROBE_FAILED;
	assert_string_equal(device->hostname, "DB1");
	assert_string_equal(protocol, "ssh");
	assert_int_equal(port, 22);
	call.resume = resume;
	return -ERR_AGAIN;
}

const struct msg_probe *probe_result(const struct call *unused)
{
	return call.broker->probe;
}

const struct driver_row *driver_find(const char *name)
{
	static const struct driver_row rows[] = { { "ssh", 22, false, true },
		{ "telnet", 23, false, false } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcasecmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}
