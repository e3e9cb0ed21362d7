/* SPDX-License-Identifier: Apache-2.0 */
#include "front/front.c"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "front/static.h"
#include "gateway.h"

static const uint8_t page_bytes[] = "<!doctype html>";
const struct asset assets[] = {
	{ "index.html", "text/html", "no-store", "\"1\"", page_bytes,
		page_bytes + sizeof page_bytes - 1, NULL, NULL },
};
const unsigned asset_count = 1;
const char asset_policy[] = "default-src 'none'; script-src 'self'";

#define HOST "Host: gateway:8443\r\n"
#define LAST "Connection: close\r\n\r\n"

static int setup(void **state)
{
	static struct gateway gateway;
	gateway_start(&gateway, NULL, NULL);
	*state = &gateway;
	return 0;
}

static int teardown(void **state)
{
	gateway_finish(*state);
	return 0;
}

static unsigned count_text(const char *text, const char *word)
{
	unsigned count = 0;
	for (const char *at = text; (at = strstr(at, word)); at++)
		count++;
	return count;
}

#define ASSERT_HOLDS(text, word)                                                                   \
	do {                                                                                       \
		const char *held_ = (text);                                                        \
		if (!strstr(held_, word))                                                          \
			fail_msg("no %s in %s", word, held_);                                      \
	} while (0)
#define ASSERT_STARTS(text, word) assert_memory_equal(text, word, strlen(word))

static void test_call(void **state)
{
	struct gateway *gateway = *state;
	const char *text =
		exchange(gateway, "POST /API/pam/Remote/session/?a=1 HTTP/1.1\r\nHost: "
				  "Gateway:8443\r\nAuthorization: Bearer x\r\n"
				  "Content-Type: application/json\r\nUser-Agent: t\r\nReferer: "
				  "r\r\nContent-Length: 14\r\n" LAST "{\"user\":\"ana\"}");
	ASSERT_STARTS(text, "HTTP/1.1 200 OK\r\n");
	ASSERT_HOLDS(text, "\r\nX-From-Broker: yes\r\n");
	ASSERT_HOLDS(text, "\r\n\r\n<1 /api/pam/remote/session 1:a=1;3:user=ana;>");
	assert_string_equal(gateway->call.method, "POST");
	assert_string_equal(gateway->call.raw_path, "/API/pam/Remote/session/");
	assert_string_equal(gateway->call.host, "gateway:8443");
	assert_string_equal(gateway->call.scheme, "https");
	assert_string_equal(gateway->call.authorization, "Bearer x");
	assert_string_equal(gateway->call.referer, "r");
	assert_string_equal(gateway->call.user_agent, "t");
	assert_int_equal(gateway->call.peer.family, 4);
	assert_int_equal(strlen(gateway->call.trace), TRACE_SIZE - 1);
	assert_int_equal(gateway->call.body_is_form, 0);
}

/* OAuth 1.0: which hashes, and which bodies are signed. */
static void test_call_hashes(void **state)
{
	struct gateway *gateway = *state;
	static const uint8_t sha1[20] = { 0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba,
		0x3e, 0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d };
	exchange(gateway,
		"POST /iso/x HTTP/1.1\r\n" HOST
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n" LAST
		"abc");
	assert_memory_equal(gateway->call.body_hash_sha1, sha1, sizeof sha1);
	assert_int_equal(gateway->call.body_hash_sha256[0], 0xba);
	assert_int_equal(gateway->call.body_is_form, 1);
}

static void test_pipelined(void **state)
{
	struct gateway *gateway = *state;
	const char *text = exchange(gateway,
		"GET /api/1 HTTP/1.1\r\n" HOST "\r\n"
		"GET /healthz HTTP/1.1\r\n" HOST "\r\n"
		"POST /api/2 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		"3\r\na=b\r\n0\r\n\r\n"
		"GET /api/3 HTTP/1.1\r\n" HOST LAST);
	const char *one = strstr(text, "<1 /api/1 >"), *two = strstr(text, "<2 /api/2 2:a=b;>"),
		   *three = strstr(text, "<3 /api/3 >"), *ok = strstr(text, "\r\n\r\nok\n");
	assert_true(one && ok && two && three && one < ok && ok < two && two < three);
	assert_int_equal(count_text(text, "HTTP/1.1 200 OK"), 4);
}

/* In any pieces the same: one byte per TLS record. */
static void test_dribbled(void **state)
{
	struct gateway *gateway = *state;
	static const char text[] = "POST /api/1 HTTP/1.1\r\n" HOST
				   "Content-Length: 3\r\n\r\na=bGET /api/2 HTTP/1.1\r\n" HOST LAST;
	struct client client;
	char answer[8192];
	assert_true(client_open(gateway, &client));
	for (size_t i = 0; i < sizeof text - 1; i++)
		client_send(gateway, &client, text + i, 1);
	client_read(gateway, &client, answer, sizeof answer, NULL);
	client_close(&client);
	ASSERT_HOLDS(answer, "<1 /api/1 2:a=b;>");
	ASSERT_HOLDS(answer, "<2 /api/2 >");
}

/* What follows a request that cannot be understood is never read. */
static void test_malformed(void **state)
{
	struct gateway *gateway = *state;
	const char *text =
		exchange(gateway, "POST /api/1 HTTP/1.1\r\n" HOST
				  "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
				  "GET /api/2 HTTP/1.1\r\n" HOST "\r\n");
	ASSERT_STARTS(text, "HTTP/1.1 400 Bad Request\r\n");
	ASSERT_HOLDS(text, "\r\nConnection: close\r\n");
	ASSERT_HOLDS(text,
		"{\"code\":400,\"response\":{\"status\":400,\"message\":\"Malformed request\",");
	assert_int_equal(count_text(text, "HTTP/1.1 "), 1);
	assert_int_equal(gateway->calls, 0);
	assert_int_equal(gateway->front->connection_count, 0);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *request, *status;
	} rows[] = {
		{ "POST /api/1 HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", "413" },
		{ "GET /api//1 HTTP/1.1\r\n" HOST LAST, "400" },
		{ "GET /api/%2e%2e/1 HTTP/1.1\r\n" HOST LAST, "400" },
		{ "GET /api/1?a=1&a=2 HTTP/1.1\r\n" HOST LAST, "400" },
		{ "GET /api/1?a=%00 HTTP/1.1\r\n" HOST LAST, "400" },
		{ "POST /api/1 HTTP/1.1\r\n" HOST
		  "Content-Type: application/json\r\nContent-Length: 1\r\n" LAST "{",
			"400" },
		{ "GET /nothing HTTP/1.1\r\n" HOST LAST, "404" },
		{ "GET /index.html HTTP/1.1\r\n" HOST LAST, "404" },
		{ "GET /session/xyz HTTP/1.1\r\n" HOST LAST, "404" },
		{ "PUT /modulos/auth HTTP/1.1\r\n" HOST LAST, "405" },
		{ "POST /healthz HTTP/1.1\r\n" HOST LAST, "405" },
		{ "GET /session/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/attach HTTP/1.1\r\n" HOST
				LAST,
			"400" },
	};
	struct gateway *gateway = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = exchange(gateway, rows[i].request);
		if (strncmp(text, "HTTP/1.1 ", 9) != 0 || strncmp(text + 9, rows[i].status, 3) != 0)
			fail_msg("%s: %s", rows[i].request, text);
		ASSERT_HOLDS(text, "\r\nStrict-Transport-Security: ");
		ASSERT_HOLDS(text, "{\"code\":");
	}
	assert_int_equal(gateway->calls, 0);
}

/* An answer reaches even a client that is still busy sending what nobody wants. */
static void test_refusal_arrives(void **state)
{
	struct gateway *gateway = *state;
	static char request[128 * 1024];
	struct client client;
	char text[4096];
	int len = snprintf(request, sizeof request,
		"POST /api/1 HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
	memset(request + len, 'x', sizeof request - (size_t)len);
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, request, sizeof request);
	client_read(gateway, &client, text, sizeof text, NULL);
	ASSERT_STARTS(text, "HTTP/1.1 413 ");
	assert_true(client.ended);
	client_close(&client);
}

static void test_page(void **state)
{
	struct gateway *gateway = *state;
	static const char *const targets[] = { "/modulos/auth?_sr=x", "/Modulos/Auth/",
		"/session/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		char request[256];
		snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST LAST, targets[i]);
		const char *text = exchange(gateway, request);
		ASSERT_STARTS(text, "HTTP/1.1 200 OK\r\n");
		ASSERT_HOLDS(text, "\r\nCache-Control: no-store\r\n");
		ASSERT_HOLDS(text,
			"\r\nContent-Security-Policy: default-src 'none'; script-src 'self'\r\n");
		ASSERT_HOLDS(text, "\r\n\r\n<!doctype html>");
	}
	const char *text = exchange(gateway, "HEAD /modulos/auth HTTP/1.1\r\n" HOST LAST);
	ASSERT_HOLDS(text, "\r\nContent-Length: 15\r\n");
	assert_null(strstr(text, "doctype"));
	assert_int_equal(gateway->calls, 0); /* looking has no effect */
}

static void test_continue(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	static const char head[] = "POST /api/1 HTTP/1.1\r\n" HOST
				   "Expect: 100-continue\r\nContent-Length: 3\r\n" LAST;
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, head, sizeof head - 1);
	client_read(gateway, &client, text, sizeof text, "\r\n\r\n");
	assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
	client_send(gateway, &client, "a=b", 3);
	client_read(gateway, &client, text, sizeof text, NULL);
	ASSERT_HOLDS(text, "<1 /api/1 2:a=b;>");
	client_close(&client);
}

static void test_parts(void **state)
{
	struct gateway *gateway = *state;
	gateway->manner = IN_PARTS;
	const char *text = exchange(gateway, "GET /api/1 HTTP/1.1\r\n" HOST LAST);
	ASSERT_HOLDS(text, "\r\nTransfer-Encoding: chunked\r\n");
	ASSERT_HOLDS(text, "\r\n\r\n4\r\none,\r\n4\r\ntwo,\r\n5\r\nthree\r\n0\r\n\r\n");
	text = exchange(gateway, "GET /api/1 HTTP/1.0\r\n\r\n");
	assert_null(strstr(text, "Transfer-Encoding"));
	assert_null(strstr(text, "Content-Length"));
	ASSERT_HOLDS(text, "\r\n\r\none,two,three");
	text = exchange(gateway, "HEAD /api/1 HTTP/1.1\r\n" HOST LAST);
	assert_null(strstr(text, "one,"));
}

static void test_broker_restarts(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	gateway->manner = HOLDS;
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, "GET /api/1 HTTP/1.1\r\n" HOST "\r\n", 43);
	gateway_turn(gateway);
	assert_int_equal(gateway->calls, 1);
	gateway_lose_broker(gateway);
	client_read(gateway, &client, text, sizeof text, "}}");
	ASSERT_STARTS(text, "HTTP/1.1 503 Service Unavailable\r\n");
	ASSERT_HOLDS(text, "\r\nRetry-After: 1\r\n");
	ASSERT_STARTS(exchange(gateway, "GET /api/2 HTTP/1.1\r\n" HOST LAST), "HTTP/1.1 503 ");
	gateway->manner = ANSWERS;
	gateway_broker(gateway);
	client_send(gateway, &client, "GET /api/3 HTTP/1.1\r\n" HOST "\r\n", 43);
	client_read(gateway, &client, text, sizeof text, ">");
	ASSERT_HOLDS(text, "<2 /api/3 >"); /* on the same connection */
	client_close(&client);
}

/* Time passes: the deadline of the newest connection is now. */
static void let_time_pass(struct gateway *gateway)
{
	assert_non_null(gateway_newest(gateway));
	gateway_newest(gateway)->deadline = 1;
	timer_cancel(gateway->front->sweep);
	on_sweep(gateway->front);
}

static void test_broker_silent(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	gateway->manner = HOLDS;
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, "GET /api/1 HTTP/1.1\r\n" HOST "\r\n", 43);
	gateway_turn(gateway);
	let_time_pass(gateway);
	client_read(gateway, &client, text, sizeof text, "}}");
	ASSERT_STARTS(text, "HTTP/1.1 504 Gateway Timeout\r\n");
	ASSERT_HOLDS(text, "\"message\":\"Request timed out.\"");
	gateway_reply(gateway, gateway->held, "late"); /* and is not mistaken for the next answer */
	gateway->manner = ANSWERS;
	client_send(gateway, &client, "GET /api/2 HTTP/1.1\r\n" HOST "\r\n", 43);
	client_read(gateway, &client, text, sizeof text, ">");
	ASSERT_HOLDS(text, "<2 /api/2 >");
	assert_null(strstr(text, "late"));
	client_close(&client);
}

static void test_slow(void **state)
{
	struct gateway *gateway = *state;
	static const char *const starts[] = { "GET /api/1 HT",
		"POST /api/1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\na" };
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct client client;
		char text[4096];
		assert_true(client_open(gateway, &client));
		client_send(gateway, &client, starts[i], strlen(starts[i]));
		let_time_pass(gateway);
		client_read(gateway, &client, text, sizeof text, NULL);
		ASSERT_STARTS(text, "HTTP/1.1 408 Request Timeout\r\n");
		assert_true(client.ended);
		client_close(&client);
	}
}

static void test_idle(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	assert_true(client_open(gateway, &client));
	gateway_turn(gateway);
	let_time_pass(gateway);
	assert_int_equal(client_read(gateway, &client, text, sizeof text, NULL), 0);
	assert_true(client.ended);
	client_close(&client);
}

static void test_crowd(void **state)
{
	struct gateway *gateway = *state;
	struct client clients[10];
	unsigned open = 0;
	for (unsigned i = 0; i < ARRAY_LEN(clients); i++)
		open += client_open(gateway, &clients[i]);
	assert_int_equal(open, 16 / ADDRESS_PART + 1);
	for (unsigned i = 0; i < open; i++)
		client_close(&clients[i]);
	gateway_turn(gateway);
	assert_int_equal(gateway->front->connection_count, 0);
}

static void test_forwarded(void **state)
{
	struct gateway *gateway = *state;
	char shown[ADDRESS_SIZE];
	exchange(gateway, "GET /api/1 HTTP/1.1\r\n" HOST "X-Forwarded-For: 198.51.100.7\r\n" LAST);
	assert_string_equal(address_format(&gateway->call.peer, shown), "127.0.0.1");
	gateway_finish(gateway);
	gateway_start(gateway, "api.trusted_proxies", "127.0.0.0/8");
	exchange(gateway, "GET /api/1 HTTP/1.1\r\n" HOST "X-Forwarded-For: 198.51.100.7\r\n" LAST);
	assert_string_equal(address_format(&gateway->call.peer, shown), "198.51.100.7");
}

/* Only TLS 1.2 and 1.3, only http/1.1. */
static void test_tls(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	SSL_CTX_set_security_level(gateway->client, 0);
	SSL_CTX_set_min_proto_version(gateway->client, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(gateway->client, TLS1_1_VERSION);
	assert_false(client_open(gateway, &client));
	SSL_CTX_set_max_proto_version(gateway->client, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(gateway->client,
		"AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA");
	assert_false(client_open(gateway, &client));
	SSL_CTX_set_cipher_list(gateway->client, "ECDHE-ECDSA-AES256-GCM-SHA384");
	assert_true(client_open(gateway, &client));
	client_close(&client);
	SSL_CTX_set_max_proto_version(gateway->client, TLS1_3_VERSION);
	SSL_CTX_set_alpn_protos(gateway->client, (const unsigned char *)"\x02h2", 3);
	assert_false(client_open(gateway, &client));
	SSL_CTX_set_alpn_protos(gateway->client, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	assert_true(client_open(gateway, &client));
	const unsigned char *chosen;
	unsigned len;
	SSL_get0_alpn_selected(client.tls, &chosen, &len);
	assert_int_equal(len, 8);
	client_close(&client);
}

/* Opening. */
static const char *redeem(struct gateway *gateway, const char *origin, const char *fields)
{
	char key[BASE64_SIZE(65)], request[1024], body[512];
	uint8_t point[65] = { 4, 1, 2, 3 };
	base64_encode(key, point, sizeof point);
	int len = snprintf(body, sizeof body,
		"{\"sr\":\"cmJzOi8v\",\"key\":\"%s\",\"columns\":80,\"rows\":24%s}", key, fields);
	snprintf(request, sizeof request,
		"POST /modulos/auth HTTP/1.1\r\n" HOST
		"%sContent-Type: application/json\r\nContent-Length: %d\r\n" LAST "%s",
		origin, len, body);
	return exchange(gateway, request);
}

#define ORIGIN "Origin: https://gateway:8443\r\n"

static void test_redeem(void **state)
{
	struct gateway *gateway = *state;
	const char *text = redeem(gateway, ORIGIN "Sec-Fetch-Site: same-origin\r\n", "");
	ASSERT_STARTS(text, "HTTP/1.1 200 OK\r\n");
	ASSERT_HOLDS(text, "\r\nSet-Cookie: __Host-sallyport-aaaaaaaaaaaaaaaa="
			   "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc; "
			   "Secure; HttpOnly; SameSite=Strict; Path=/\r\n");
	ASSERT_HOLDS(text, "{\"session\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"user\":"
			   "\"ana \\\"x\\\"\",");
	ASSERT_HOLDS(text, "\"click\":false,\"recorded\":false}");
	assert_string_equal(gateway->redeem.value, "cmJzOi8v");
	assert_int_equal(gateway->redeem.public_key[3], 3);
	assert_int_equal(gateway->redeem.columns, 80);
	assert_int_equal(gateway->redeem.rows, 24);
}

static void test_redeem_refused(void **state)
{
	struct gateway *gateway = *state;
	gateway->manner = REFUSES;
	const char *text = redeem(gateway, ORIGIN, "");
	ASSERT_STARTS(text, "HTTP/1.1 410 Gone\r\n");
	ASSERT_HOLDS(text, "{\"error\":\"TICKET_REFUSED\",\"message\":");
	assert_null(strstr(text, "Set-Cookie"));
}

static void test_redeem_foreign(void **state)
{
	struct gateway *gateway = *state;
	ASSERT_STARTS(redeem(gateway, "", ""), "HTTP/1.1 403 ");
	ASSERT_STARTS(redeem(gateway, "Origin: null\r\n", ""), "HTTP/1.1 403 ");
	ASSERT_STARTS(redeem(gateway, "Origin: https://evil\r\n", ""), "HTTP/1.1 403 ");
	ASSERT_STARTS(
		redeem(gateway, ORIGIN "Sec-Fetch-Site: cross-site\r\n", ""), "HTTP/1.1 403 ");
	ASSERT_STARTS(redeem(gateway, ORIGIN, ",\"width\":\"x\""), "HTTP/1.1 400 ");
	ASSERT_STARTS(redeem(gateway, ORIGIN, ",\"width\":70000"), "HTTP/1.1 400 ");
	ASSERT_STARTS(redeem(gateway, ORIGIN, ",\"key\":\"AAAA\""), "HTTP/1.1 400 ");
	ASSERT_STARTS(
		exchange(gateway, "POST /modulos/auth HTTP/1.1\r\n" HOST ORIGIN
				  "Content-Type: text/plain\r\nContent-Length: 2\r\n" LAST "{}"),
		"HTTP/1.1 400 ");
	assert_int_equal(gateway->calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_call),
		TEST(test_call_hashes),
		TEST(test_pipelined),
		TEST(test_dribbled),
		TEST(test_malformed),
		TEST(test_refusals),
		TEST(test_refusal_arrives),
		TEST(test_page),
		TEST(test_continue),
		TEST(test_parts),
		TEST(test_broker_restarts),
		TEST(test_broker_silent),
		TEST(test_slow),
		TEST(test_idle),
		TEST(test_crowd),
		TEST(test_forwarded),
		TEST(test_tls),
		TEST(test_redeem),
		TEST(test_redeem_refused),
		TEST(test_redeem_foreign),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
