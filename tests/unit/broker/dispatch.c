/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dispatch.c"

#include "house.h"

#include <signal.h>
#include <sys/resource.h>

#include "failing.h"
#include "failing_store.h"

#define CREATE "/api/pam/remote/session"
#define GOOD "user=ana&credential=root&device=db1&protocol=SSH"

static void test_created_exactly(void **state)
{
	const struct house_reply *reply = house_post(*state, CREATE, GOOD);
	static const char head[] =
		"{\"code\":200,\"response\":{\"status\":200,\"message\":\"Session created "
		"successfully\","
		"\"error\":false,\"error_code\":0,\"detail\":\"\",\"mensagem\":\"Session created "
		"successfully\","
		"\"erro\":false,\"cod_erro\":0},\"tenant\":\"Acme\",\"session\":{\"session_url\":"
		"\"https://gw.example/modulos/auth?_sr=";

	assert_int_equal(reply->status, 200);
	assert_memory_equal(reply->body, head, sizeof head - 1);
	/* 176 characters of ticket, then 64 digits of token, and nothing else */
	assert_memory_equal(reply->body + sizeof head - 1 + 176, "\",\"token\":\"", 11);
	assert_string_equal(reply->body + sizeof head - 1 + 176 + 11 + 64, "\"}}");
	struct audit_row row = house_audit(*state, "session.created");
	assert_string_equal(row.actor, "application:portal");
	assert_string_equal(row.from, "192.0.2.10");
	assert_non_null(strstr(row.detail, "\"user\":\"ana\""));
	assert_null(strstr(row.detail, "_sr"));
}

static void test_error_exactly(void **state)
{
	const struct house_reply *reply = house_post(
		*state, CREATE, "user=ana&credential=root&device=nowhere&protocol=ssh&colour=red");

	assert_int_equal(reply->status, 400);
	assert_string_equal(reply->body,
		"{\"code\":400,\"response\":{\"status\":400,\"message\":\"1011: Device not "
		"found\",\"error\":true,"
		"\"error_code\":1,\"detail\":\"Unknown parameters ignored: colour\","
		"\"mensagem\":\"1011: Device not "
		"found\",\"erro\":true,\"cod_erro\":1},\"tenant\":\"Acme\","
		"\"exception\":{\"code\":1011,\"message\":\"1011: Device not "
		"found\",\"detail\":null}}");
	struct audit_row row = house_audit(*state, "call.refused");
	assert_int_equal(row.result, -ERR_DEVICE_UNKNOWN);
	assert_non_null(strstr(row.detail, "\"asked\":\"session.created\""));
}

static void test_message_key(void **state)
{
	struct house *house = *state;

	text_copy(house->broker->process.settings.api_message_key, 16, "Message");
	const struct house_reply *reply = house_post(house, CREATE, GOOD);
	assert_non_null(strstr(reply->body,
		"\"detail\":\"\",\"Message\":\"Session created successfully\",\"erro\""));
	assert_null(strstr(reply->body, "mensagem"));
}

static void test_every_prefix(void **state)
{
	static const char *const paths[] = { "/api/pam/remote/session", "/api/remote/session",
		"/iso/pam/remote/session", "/iso/remote/session" };

	for (unsigned i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(house_post(*state, paths[i], GOOD)->status, 200);
}

static void test_unknown_path(void **state)
{
	static const char *const paths[] = { "/api/pam/nothing", "/api/pam/pam/remote/session", "/",
		"/control/status", "/api/control/status", "/api/pam/remote/session/a/b" };

	for (unsigned i = 0; i < ARRAY_LEN(paths); i++) {
		const struct house_reply *reply = house_post(*state, paths[i], GOOD);
		assert_int_equal(reply->status, 404);
		assert_non_null(strstr(reply->body, "\"message\":\"Resource sub not found\""));
	}
}

/* Nobody asked for anything there: paths that do not exist would fill the audit. */
static void test_unknown_is_not_on_record(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "GET", .path = "/api/pam/nothing" };
	int64_t sequence = house->broker->audit.sequence;
	uint64_t refused = house->broker->figures.refused, calls = house->broker->figures.calls;

	assert_int_equal(house_call(house, &call)->status, 404);
	call.path = CREATE;
	assert_int_equal(house_call(house, &call)->status, 405);
	assert_int_equal(house->broker->audit.sequence, sequence);
	assert_int_equal(house->broker->figures.refused, refused + 2);
	assert_int_equal(house_post(house, CREATE, GOOD)->status, 200);
	assert_int_equal(house->broker->figures.refused, refused + 2);
	assert_int_equal(house->broker->figures.calls, calls + 3);
}

/* By which authorization, where there is one. */
static void test_authorization_is_on_record(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "POST", .path = CREATE, .params = GOOD };
	char expected[64];

	snprintf(expected, sizeof expected, "\"authorization\":\"%lld\"",
		(long long)house->authorization);
	assert_int_equal(house_post(house, CREATE, GOOD)->status, 200);
	assert_non_null(strstr(house_audit(house, "session.created").detail, expected));
	assert_int_equal(house_call(house, &call)->status, 401);
	struct audit_row row = house_audit(house, "authentication.refused");
	assert_null(strstr(row.detail, "\"authorization\""));
	assert_null(strstr(row.detail, "omitted"));
}

static void test_wrong_method(void **state)
{
	const struct house_reply *reply = house_get(*state, CREATE);

	assert_int_equal(reply->status, 405);
	assert_non_null(strstr(reply->header, "Allow: POST\r\n"));
	assert_non_null(strstr(reply->body, "\"code\":405"));
}

static void test_nobody(void **state)
{
	struct house_call call = { .method = "POST", .path = CREATE, .params = GOOD };
	const struct house_reply *reply = house_call(*state, &call);

	assert_int_equal(reply->status, 401);
	assert_string_equal(reply->body, "{\"message\":\"No route matched with those values.\"}");
	assert_non_null(strstr(reply->header, "WWW-Authenticate: Bearer\r\n"));
	assert_int_equal(house_audit(*state, "authentication.refused").result, -ERR_NO_CREDENTIALS);
}

static void test_wrong_token(void **state)
{
	struct house_call call = {
		.method = "POST", .path = CREATE, .params = GOOD, .authorization = "Bearer wrong"
	};
	const struct house_reply *reply = house_call(*state, &call);

	assert_int_equal(reply->status, 401);
	assert_memory_equal(reply->body, "{\"error\":\"invalid_token\",\"message\":\"", 36);
	assert_non_null(
		strstr(reply->header, "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"));
}

static void test_reader_may_not_write(void **state)
{
	struct house *house = *state;
	struct house_call call = {
		.method = "POST", .path = CREATE, .params = GOOD, .authorization = "Bearer reader"
	};
	const struct house_reply *reply = house_call(house, &call);

	assert_int_equal(reply->status, 500);
	assert_non_null(strstr(
		reply->body, "\"message\":\"You are not authorized to access this resource.\""));
	assert_int_equal(house_audit(house, "authorization.denied").result, -ERR_NOT_AUTHORIZED);
	house->broker->process.settings.api_denied_status = 403;
	assert_int_equal(house_call(house, &call)->status, 403);
	call.method = "GET";
	call.path = "/api/pam/session/remotesessions";
	call.params = NULL;
	assert_int_equal(house_call(house, &call)->status, 200);
}

static void test_twice(void **state)
{
	const struct house_reply *reply = house_post(*state, CREATE, GOOD "&USER=eva");

	assert_int_equal(reply->status, 400);
	assert_non_null(strstr(reply->body, "Parameter given twice"));
}

static void test_disabled_authorization(void **state)
{
	struct house *house = *state;

	assert_int_equal(
		store_authorization_set_disabled(house->broker->store, house->authorization, 5), 0);
	assert_int_equal(house_post(house, CREATE, GOOD)->status, 500);
	assert_int_equal(house_audit(house, "authorization.denied").result, -ERR_NOT_AUTHORIZED);
}

static void test_guessing_is_slowed(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "POST",
		.path = CREATE,
		.params = GOOD,
		.authorization = "Bearer wrong",
		.from = "198.51.100.4" };

	for (int i = 0; i < 10; i++)
		assert_int_equal(house_call(house, &call)->status, 401);
	const struct house_reply *reply = house_call(house, &call);
	assert_int_equal(reply->status, 429);
	assert_non_null(strstr(reply->header, "Retry-After: "));
	/* nobody else pays for it */
	assert_int_equal(house_post(house, CREATE, GOOD)->status, 200);
}

static void test_flood_of_one_address(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "GET",
		.path = "/api/pam/session/remotesessions",
		.authorization = "Bearer " HOUSE_TOKEN };

	throttle_destroy(house->broker->throttle);
	assert_int_equal(throttle_create(10, 20, &house->broker->throttle), 0);
	house_burst(house, &call, 21, 429);
	assert_int_equal(house->reply.status, 429);
	assert_non_null(strstr(house->reply.header, "Retry-After: 1\r\n"));
}

/* An endpoint may say under which event it succeeded. */
static void test_event_of_its_own(void **state)
{
	struct house *house = *state;

	house_post(house, "/api/pam/remote/session",
		"user=ana&credential=root&device=db1&protocol=ssh&check=1");
	assert_int_equal(house->reply.status, 200);
	assert_int_equal(house_audit_count(house, "session.checked"), 1);
	assert_int_equal(house_audit_count(house, "session.created"), 0);
}

static void test_batch_is_one_commit(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "POST",
		.path = CREATE,
		.params = GOOD,
		.authorization = "Bearer " HOUSE_TOKEN };

	assert_int_equal(house_burst(house, &call, 100, 200), 1);
	assert_int_equal(house_audit_count(house, "session.created"), 100);
}

/* A store that cannot write answers nobody with success, and the chain goes on where it was. */
static void test_disk_is_full(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "POST",
		.path = CREATE,
		.params = GOOD,
		.authorization = "Bearer " HOUSE_TOKEN };
	struct rlimit before, none;

	house_post(house, CREATE, GOOD);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	const struct house_reply *reply = house_call(house, &call);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(reply->status, 503);
	assert_null(strstr(reply->body, "session_url"));
	assert_int_equal(house_audit_count(house, "session.created"), 1);
	assert_int_equal(house_post(house, CREATE, GOOD)->status, 200);
	house_audit_verify(house);
}

/* ---- endpoints of the test's own, which do one thing each */

static struct call *waiting; /* what deferred_answer() left */

static int write_user(struct broker *broker, struct call *call)
{
	int64_t id;

	int r = store_user_add(broker->store, "written", "", 1, &id);
	if (r == 0)
		call_raw(call, 200, "{\"secret\":\"made\"}");
	return r;
}

static int write_then_fail(struct broker *broker, struct call *call)
{
	int64_t id;
	int r = store_user_add(broker->store, "written", "", 1, &id);

	return r < 0 ? r : call_fail(call, -ERR_FULL, "half done");
}

static int fail_first(struct broker *broker, struct call *call)
{
	return -ERR_FULL;
}

static int again_without_reason(struct broker *broker, struct call *call)
{
	return -ERR_AGAIN;
}

static int resumed(struct broker *broker, struct call *call, int result)
{
	return result < 0 ? result : write_user(broker, call);
}

static int deferred_answer(struct broker *broker, struct call *call)
{
	call_defer(call, resumed);
	waiting = call;
	return -ERR_AGAIN;
}

static const struct field no_fields[] = { {} };
#define ENDPOINT(symbol, a_door, a_need, a_path, an_audit, last, an_answer)                        \
	static const struct endpoint symbol = { .door = a_door,                                    \
		.method = "GET",                                                                   \
		.path = a_path,                                                                    \
		.need = a_need,                                                                    \
		.audit = an_audit,                                                                 \
		.fields = no_fields,                                                               \
		.message = "",                                                                     \
		.writes_last = last,                                                               \
		.answer = an_answer }
ENDPOINT(to_write, DOOR_API, NEED_NOBODY, "t/write", "t.done", false, write_user);
ENDPOINT(to_fail, DOOR_API, NEED_NOBODY, "t/fail", "t.done", false, write_then_fail);
ENDPOINT(to_refuse, DOOR_API, NEED_NOBODY, "t/refuse", NULL, false, fail_first);
ENDPOINT(to_again, DOOR_API, NEED_NOBODY, "t/again", "t.done", false, again_without_reason);
ENDPOINT(to_defer, DOOR_API, NEED_NOBODY, "t/defer", "t.done", false, deferred_answer);
ENDPOINT(to_write_last, DOOR_API, NEED_NOBODY, "t/last", "t.done", true, write_user);
ENDPOINT(to_fail_last, DOOR_API, NEED_NOBODY, "t/faillast", "t.done", true, write_then_fail);
ENDPOINT(to_fail_early, DOOR_API, NEED_NOBODY, "t/failearly", "t.done", true, fail_first);
ENDPOINT(to_command, DOOR_CONTROL, NEED_NOBODY, "t/write", "t.done", false, write_user);
ENDPOINT(to_command_later, DOOR_CONTROL, NEED_NOBODY, "t/defer", "t.done", false, deferred_answer);
static const struct endpoint *const own[] = { &to_write, &to_fail, &to_refuse, &to_again, &to_defer,
	&to_write_last, &to_fail_last, &to_fail_early, &to_command, &to_command_later, NULL };

static int open_own(void **state)
{
	int r = house_open(state);
	struct house *house = *state;

	routes_destroy(house->broker->routes);
	assert_int_equal(routes_create(own, &house->broker->routes), 0);
	waiting = NULL;
	return r;
}

static const struct house_reply *get(struct house *house, const char *path)
{
	struct house_call call = { .method = "GET", .path = path };

	return house_call(house, &call);
}

static bool written(struct house *house)
{
	struct user_row user;

	return store_user_find(house->broker->store, "written", &user) == 0;
}

static void test_both_or_neither(void **state)
{
	struct house *house = *state;

	const struct house_reply *reply = get(house, "/api/t/fail");
	assert_int_equal(reply->status, error_http(-ERR_FULL));
	assert_false(written(house));
	assert_int_equal(house_audit_count(house, "t.done"), 0);
	assert_int_equal(house_audit(house, "call.refused").result, -ERR_FULL);
	assert_non_null(strstr(house_audit(house, "call.refused").detail, "\"why\":\"half done\""));
	assert_non_null(strstr(house_audit(house, "call.refused").detail, "\"asked\":\"t.done\""));
	assert_int_equal(get(house, "/api/t/refuse")->status, error_http(-ERR_FULL));
	assert_null(strstr(house_audit(house, "call.refused").detail, "asked"));
	/* To come again later must be said before. */
	assert_int_equal(get(house, "/api/t/again")->status, error_http(-ERR_AGAIN));
	/* Without a savepoint what was written takes the turn with it; what was not does not. */
	assert_int_equal(get(house, "/api/t/faillast")->status, error_http(-ERR_STORE));
	assert_false(written(house));
	assert_int_equal(get(house, "/api/t/failearly")->status, error_http(-ERR_FULL));
	assert_int_equal(get(house, "/api/t/write")->status, 200);
	assert_true(written(house));
	assert_string_equal(house->reply.body, "{\"secret\":\"made\"}");
	assert_int_equal(house_audit_count(house, "t.done"), 1);
	house_audit_verify(house);
}

/* At each step: no success, nothing written, no row that says it was; afterwards all is well. */
static void test_store_fails(void **state)
{
	static const char *const paths[] = { "/api/t/write", "/api/t/last" };
	struct house *house = *state;

	failing_store(house->broker->store);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		void *opened;
		assert_int_equal(open_own(&opened), 0);
		house = opened;
		failing_store(house->broker->store);
		FAILING(FAILING_STORE) {
			const struct house_reply *reply = get(house, paths[i]);
			assert_int_equal(reply->status, failing_struck() ? 503 : 200);
			if (failing_struck())
				assert_null(strstr(reply->body, "made"));
			failing_end();
			assert_int_equal(written(house), !failing_struck());
			assert_int_equal(house_audit_count(house, "t.done"), !failing_struck());
		}
		house_audit_verify(house);
		assert_int_equal(house_close(&opened), 0);
	}
	house = *state;
	FAILING(FAILING_STORE) {
		unsigned status = get(house, "/api/t/fail")->status;
		assert_int_equal(status, failing_struck() ? 503 : error_http(-ERR_FULL));
		failing_end();
		assert_false(written(house));
	}
	house_audit_verify(house);
}

static void defer(struct house *house, enum door door)
{
	struct house_call call = { .method = "GET",
		.path = door == DOOR_API ? "/api/t/defer" : "/control/t/defer",
		.door = door };

	waiting = NULL;
	house->replied = false;
	house_send_call(house, &call);
	house_run(house);
	assert_non_null(waiting);
	assert_false(house->replied);
}

static void test_deferred(void **state)
{
	struct house *house = *state;
	struct call *first, *second, *third;

	defer(house, DOOR_API);
	first = waiting;
	defer(house, DOOR_CONTROL);
	second = waiting;
	defer(house, DOOR_API);
	third = waiting;
	/* Resumed in any order. */
	call_resume(second, -ERR_TARGET_SILENT);
	house_run(house);
	assert_true(house->replied);
	assert_int_equal(house->reply.status, error_http(-ERR_TARGET_SILENT));
	assert_int_equal(house_audit(house, "call.refused").result, -ERR_TARGET_SILENT);
	house->replied = false;
	call_resume(first, 0);
	house_run(house);
	assert_int_equal(house->reply.status, 200);
	assert_true(written(house));
	/* Whoever asked is gone: nobody is told, and it is done all the same. */
	defer(house, DOOR_CONTROL);
	channel_destroy(house->front);
	house->front = house_introduce(house, PARTY_FRONT);
	assert_null(third->channel);
	assert_non_null(waiting->channel);
	call_resume(third, -ERR_FULL);
	house_run(house);
	assert_false(house->replied);
	call_resume(waiting, -ERR_FULL);
	house_run(house);
	assert_true(house->replied);
	assert_null(house->broker->calls.deferred);
	house_audit_verify(house);
}

/* What waits is told when its time comes, whatever the store did when it began to wait. */
static void test_deferred_store_fails(void **state)
{
	struct house *house = *state;

	failing_store(house->broker->store);
	FAILING(FAILING_STORE) {
		struct house_call call = { .method = "GET", .path = "/api/t/defer" };
		waiting = NULL;
		house->replied = false;
		house_send_call(house, &call);
		house_run(house);
		failing_end();
		if (house->replied) { /* it did not come to wait */
			assert_true(failing_struck());
			assert_int_equal(house->reply.status, 503);
			assert_null(house->broker->calls.deferred);
			continue;
		}
		call_resume(waiting, -ERR_FULL);
		house_run(house);
		assert_true(house->replied);
		assert_int_equal(house->reply.status, error_http(-ERR_FULL));
	}
	FAILING(FAILING_STORE) {
		failing_end();
		defer(house, DOOR_API);
		failing_go_on();
		call_resume(waiting, 0);
		house_run(house);
		assert_true(house->replied);
		assert_int_equal(house->reply.status, failing_struck() ? 503 : 200);
		failing_end();
		assert_int_equal(written(house), !failing_struck());
	}
	house_audit_verify(house);
}

/* An administrator has a number and no address, and is always on record. */
static void test_command(void **state)
{
	struct house *house = *state;
	struct house_call call = {
		.method = "GET", .path = "/control/t/write", .door = DOOR_CONTROL
	};
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	call.fd = ends[0];
	assert_int_equal(house_call(house, &call)->status, 200);
	close(ends[0]);
	close(ends[1]);
	struct audit_row row = house_audit(house, "t.done");
	assert_string_equal(row.actor, "administrator:0");
	assert_string_equal(row.from, "");
	/* A secret in and one out, and no more. */
	int fds[2];
	struct msg_api_call head = { .method = "GET", .path = "/control/t/defer" };
	assert_int_equal(pipe(fds), 0);
	waiting = NULL;
	assert_int_equal(
		channel_send(house->control, MSG_CONTROL_CALL, 7, &head, NULL, 0, fds, 2), 0);
	close(fds[0]);
	close(fds[1]);
	house_run(house);
	assert_non_null(waiting);
	assert_true(call_fd_in(waiting) >= 0 && call_fd_out(waiting) >= 0);
	assert_int_not_equal(call_fd_in(waiting), call_fd_out(waiting));
	call_resume(waiting, -ERR_FULL);
	house_run(house);
	int before = (int)house_audit_count(house, "call.refused");
	call.path = "/control/t/nothing";
	call.fd = 0;
	for (int i = 0; i < THROTTLE_REFUSALS + 5; i++)
		assert_int_equal(house_call(house, &call)->status, 404);
	assert_int_equal(house_audit_count(house, "call.refused"), before + THROTTLE_REFUSALS + 5);
}

/* Strangers are on record so many times, and then counted. */
static void test_refusals_of_strangers(void **state)
{
	struct house *house = *state;
	struct address stranger;
	unsigned omitted;

	assert_int_equal(address_parse(&stranger, "192.0.2.10"), 0);
	uint64_t before = clock_monotonic_ms() - THROTTLE_WINDOW_MS;
	for (int i = 0; i < THROTTLE_REFUSALS + 7; i++)
		throttle_audited(house->broker->throttle, &stranger, before, &omitted);
	get(house, "/api/t/refuse");
	assert_non_null(strstr(house_audit(house, "call.refused").detail, "\"omitted_before\":7"));
	for (int i = 1; i < THROTTLE_REFUSALS + 5; i++)
		assert_int_equal(get(house, "/api/t/refuse")->status, error_http(-ERR_FULL));
	assert_int_equal(house_audit_count(house, "call.refused"), THROTTLE_REFUSALS);
	/* What was never there was not asked for. */
	assert_int_equal(get(house, "/api/t/nothing")->status, 404);
	assert_int_equal(house_audit_count(house, "call.refused"), THROTTLE_REFUSALS);
}

static void test_no_room(void **state)
{
	static const enum door doors[] = { DOOR_API, DOOR_CONTROL };
	struct house *house = *state;
	unsigned used = house->broker->calls.used;

	for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
		struct house_call call = { .method = "GET",
			.path = doors[i] == DOOR_API ? "/api/t/write" : "/control/t/write",
			.door = doors[i] };
		house->broker->calls.used = CALLS_MAX;
		assert_int_equal(house_call(house, &call)->status, 503);
		assert_string_equal(house->reply.header, "Retry-After: 1\r\n");
		house->broker->calls.used = used;
		assert_false(written(house));
	}
	assert_int_equal(get(house, "/api/t/write")->status, 200);
}

static void ask_head(
	struct house *house, const struct msg_api_call *head, const void *tail, size_t len)
{
	house->replied = false;
	assert_int_equal(channel_send(house->front, MSG_API_CALL, channel_serial(house->front),
				 head, tail, len, NULL, 0),
		0);
	house_run(house);
	assert_true(house->replied);
}

static void test_heads(void **state)
{
	struct house *house = *state;
	struct msg_api_call good = { .method = "GET", .path = "/api/t/write" }, bad;

	text_copy(good.scheme, sizeof good.scheme, "https");
	assert_true(head_whole(&good));
#define ENDLESS(field)                                                                             \
	bad = good;                                                                                \
	memset(bad.field, 'x', sizeof bad.field);                                                  \
	assert_false(head_whole(&bad))
	ENDLESS(method);
	ENDLESS(path);
	ENDLESS(raw_path);
	ENDLESS(host);
	ENDLESS(scheme);
	ENDLESS(authorization);
	ENDLESS(referer);
	ENDLESS(user_agent);
	ENDLESS(trace);
	struct message message = { .payload = &bad };
	assert_int_equal(dispatch_message(house->broker, house_front(house), DOOR_API, 0, &message),
		-ERR_MALFORMED);
	/* A trace is made where none came; a path that is no text is no path. */
	ask_head(house, &good, NULL, 0);
	assert_int_equal(house->reply.status, 200);
	assert_non_null(strstr(house_audit(house, "t.done").detail, "\"trace\":\""));
	assert_null(strstr(house_audit(house, "t.done").detail, "\"trace\":\"\""));
	bad = good;
	memcpy(bad.path, "/api/\xff", 7);
	ask_head(house, &bad, NULL, 0);
	assert_int_equal(house->reply.status, 400);
	ask_head(house, &good, "\1", 1);
	assert_int_equal(house->reply.status, 400);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)
#define OWN(name) cmocka_unit_test_setup_teardown(name, open_own, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_created_exactly),
		TEST(test_error_exactly),
		TEST(test_message_key),
		TEST(test_every_prefix),
		TEST(test_unknown_path),
		TEST(test_unknown_is_not_on_record),
		TEST(test_authorization_is_on_record),
		TEST(test_wrong_method),
		TEST(test_nobody),
		TEST(test_wrong_token),
		TEST(test_reader_may_not_write),
		TEST(test_twice),
		TEST(test_disabled_authorization),
		TEST(test_guessing_is_slowed),
		TEST(test_flood_of_one_address),
		TEST(test_event_of_its_own),
		TEST(test_batch_is_one_commit),
		TEST(test_disk_is_full),
		OWN(test_both_or_neither),
		OWN(test_store_fails),
		OWN(test_deferred),
		OWN(test_deferred_store_fails),
		OWN(test_command),
		OWN(test_refusals_of_strangers),
		OWN(test_no_room),
		OWN(test_heads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
