/* SPDX-License-Identifier: Apache-2.0 */
#include "front/http.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOST "Host: gateway\r\n"
#define END "\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST /a HTTP/1.1\r\n" HOST

/* Parses a copy whose end is the end of its memory, so that a read too far is caught. */
static int parse(const char *text, size_t len, struct http_request *request)
{
	static char *held;
	free(held);
	held = malloc(len ? len : 1);
	memcpy(held, text, len);
	return http_parse(held, len, request);
}

struct case_ {
	const char *name;
	const char *text;
	size_t len; /* 0: strlen */
	int expected;
};
#define BAD(name, text)                                                                            \
	{                                                                                          \
		name, text, sizeof(text) - 1, -ERR_MALFORMED                                       \
	}
#define LARGE(name, text)                                                                          \
	{                                                                                          \
		name, text, sizeof(text) - 1, -ERR_TOO_LARGE                                       \
	}

/* One row per rule of RFC 9112 and RFC 9110 that someone has broken to smuggle a request. */
static const struct case_ malformed[] = {
	/* request line */
	BAD("no version", "GET /\r\n" HOST END),
	BAD("HTTP/0.9", "GET / HTTP/0.9\r\n" HOST END),
	BAD("HTTP/1.2", "GET / HTTP/1.2\r\n" HOST END),
	BAD("HTTP/2.0", "GET / HTTP/2.0\r\n" HOST END),
	BAD("HTTP/3", "GET / HTTP/3\r\n" HOST END),
	BAD("HTTP/1.10", "GET / HTTP/1.10\r\n" HOST END),
	BAD("HTTP/01.1", "GET / HTTP/01.1\r\n" HOST END),
	BAD("HTTP/1.", "GET / HTTP/1.\r\n" HOST END),
	BAD("HTTP/1", "GET / HTTP/1\r\n" HOST END),
	BAD("HTTP/11", "GET / HTTP/11\r\n" HOST END),
	BAD("version in lower case", "GET / http/1.1\r\n" HOST END),
	BAD("another protocol", "GET / ICAP/1.1\r\n" HOST END),
	BAD("version with blank inside", "GET / HTTP/ 1.1\r\n" HOST END),
	BAD("version with minus", "GET / HTTP/1.-1\r\n" HOST END),
	BAD("version with letter", "GET / HTTP/1.x\r\n" HOST END),
	BAD("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	BAD("two blanks before target", "GET  / HTTP/1.1\r\n" HOST END),
	BAD("two blanks before version", "GET /  HTTP/1.1\r\n" HOST END),
	BAD("tab instead of blank", "GET\t/ HTTP/1.1\r\n" HOST END),
	BAD("tab before version", "GET /\tHTTP/1.1\r\n" HOST END),
	BAD("blank at the end", "GET / HTTP/1.1 \r\n" HOST END),
	BAD("tab at the end", "GET / HTTP/1.1\t\r\n" HOST END),
	BAD("blank at the beginning", " GET / HTTP/1.1\r\n" HOST END),
	BAD("two empty lines before", "\r\n\r\nGET / HTTP/1.1\r\n" HOST END),
	BAD("empty target", "GET  HTTP/1.1\r\n" HOST END),
	BAD("blank in target", "GET /a b HTTP/1.1\r\n" HOST END),
	BAD("vertical tab", "GET\v/ HTTP/1.1\r\n" HOST END),
	BAD("form feed", "GET\f/ HTTP/1.1\r\n" HOST END),
	/* method */
	BAD("no method", "/ HTTP/1.1\r\n" HOST END),
	BAD("lower case method", "get / HTTP/1.1\r\n" HOST END),
	BAD("mixed case method", "Get / HTTP/1.1\r\n" HOST END),
	BAD("method with colon", "GET: / HTTP/1.1\r\n" HOST END),
	BAD("method with parenthesis", "G(T / HTTP/1.1\r\n" HOST END),
	BAD("method with NUL", "GE\0T / HTTP/1.1\r\n" HOST END),
	BAD("method with high byte", "G\xc3\x8bT / HTTP/1.1\r\n" HOST END),
	BAD("method of eight letters", "PROPFIND / HTTP/1.1\r\n" HOST END),
	BAD("method with digit", "GET1 / HTTP/1.1\r\n" HOST END),
	BAD("TLS inside TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n"),
	BAD("SSH", "SSH-2.0-client\r\n"),
	/* target */
	BAD("relative target", "GET a HTTP/1.1\r\n" HOST END),
	BAD("star", "GET * HTTP/1.1\r\n" HOST END),
	BAD("star with OPTIONS", "OPTIONS * HTTP/1.1\r\n" HOST END),
	BAD("authority form", "CONNECT gateway:443 HTTP/1.1\r\n" HOST END),
	BAD("fragment", "GET /a#b HTTP/1.1\r\n" HOST END),
	BAD("backslash", "GET /a\\b HTTP/1.1\r\n" HOST END),
	BAD("quote", "GET /\"a HTTP/1.1\r\n" HOST END),
	BAD("angle bracket", "GET /<a> HTTP/1.1\r\n" HOST END),
	BAD("caret", "GET /^ HTTP/1.1\r\n" HOST END),
	BAD("back quote", "GET /` HTTP/1.1\r\n" HOST END),
	BAD("brace", "GET /{a} HTTP/1.1\r\n" HOST END),
	BAD("bar", "GET /a|b HTTP/1.1\r\n" HOST END),
	BAD("bracket in path", "GET /a[1] HTTP/1.1\r\n" HOST END),
	BAD("NUL in target", "GET /\0 HTTP/1.1\r\n" HOST END),
	BAD("DEL in target", "GET /\x7f HTTP/1.1\r\n" HOST END),
	BAD("control in target", "GET /\x01 HTTP/1.1\r\n" HOST END),
	BAD("high byte in target", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST END),
	BAD("high byte in query", "GET /?\xe9 HTTP/1.1\r\n" HOST END),
	BAD("absolute form, http", "GET http://gateway/ HTTP/1.1\r\n" HOST END),
	BAD("absolute form, other host", "GET https://other/ HTTP/1.1\r\n" HOST END),
	BAD("absolute form, user", "GET https://a@gateway/ HTTP/1.1\r\n" HOST END),
	BAD("absolute form, longer host", "GET https://gateway.evil/ HTTP/1.1\r\n" HOST END),
	BAD("absolute form, no path", "GET https://gateway HTTP/1.1\r\n" HOST END),
	BAD("absolute form, no host", "GET https:/// HTTP/1.1\r\n" HOST END),
	BAD("absolute form, other scheme", "GET file:///etc/passwd HTTP/1.1\r\n" HOST END),
	BAD("absolute form without Host", "GET https://gateway/ HTTP/1.0\r\n" END),
	/* line ends */
	BAD("bare LF after request line", "GET / HTTP/1.1\n" HOST END),
	BAD("bare LF everywhere", "GET / HTTP/1.1\nHost: gateway\n\n"),
	BAD("bare LF after a field", "GET / HTTP/1.1\r\nHost: gateway\nA: b\r\n\r\n"),
	BAD("bare LF as the empty line", GET "\n"),
	BAD("bare CR after request line", "GET / HTTP/1.1\r" HOST END),
	BAD("bare CR in a value", GET "A: b\rc\r\n" END),
	BAD("CR CR LF", "GET / HTTP/1.1\r\r\n" HOST END),
	BAD("CR CR LF after a field", "GET / HTTP/1.1\r\nHost: gateway\r\r\n\r\n"),
	BAD("LF CR", "GET / HTTP/1.1\n\r" HOST END),
	BAD("LF before anything", "\nGET / HTTP/1.1\r\n" HOST END),
	BAD("CR in target", "GET /\r HTTP/1.1\r\n" HOST END),
	/* fields */
	BAD("folded field", GET "A: b\r\n c\r\n" END),
	BAD("folded by tab", GET "A: b\r\n\tc\r\n" END),
	BAD("folded first field", "GET / HTTP/1.1\r\n Host: gateway\r\n" END),
	BAD("folded empty", GET "A:\r\n \r\n" END),
	BAD("blank before colon", GET "A : b\r\n" END),
	BAD("tab before colon", GET "A\t: b\r\n" END),
	BAD("blank before colon of Content-Length", POST "Content-Length : 5\r\n" END "hello"),
	BAD("blank before colon of Transfer-Encoding",
		POST "Transfer-Encoding : chunked\r\n" END "0\r\n\r\n"),
	BAD("no colon", GET "A\r\n" END),
	BAD("empty name", GET ": b\r\n" END),
	BAD("blank in name", GET "A B: c\r\n" END),
	BAD("NUL in name", GET "A\0: c\r\n" END),
	BAD("parenthesis in name", GET "A(: c\r\n" END),
	BAD("bracket in name", GET "[A]: c\r\n" END),
	BAD("slash in name", GET "A/B: c\r\n" END),
	BAD("at sign in name", GET "A@B: c\r\n" END),
	BAD("equals in name", GET "A=B: c\r\n" END),
	BAD("high byte in name", GET "\xc3\xa9: c\r\n" END),
	BAD("no-break space in name", GET "A\xa0: c\r\n" END),
	BAD("NUL in value", GET "A: b\0c\r\n" END),
	BAD("control in value", GET "A: \x01\r\n" END),
	BAD("escape in value", GET "A: \x1b[0m\r\n" END),
	BAD("DEL in value", GET "A: \x7f\r\n" END),
	BAD("vertical tab in value", GET "A: \v\r\n" END),
	/* Host */
	BAD("no Host", "GET / HTTP/1.1\r\nA: b\r\n" END),
	BAD("no field at all", "GET / HTTP/1.1\r\n" END),
	BAD("two Hosts", GET HOST END),
	BAD("two different Hosts", GET "Host: other\r\n" END),
	BAD("two Hosts, other case", GET "hOST: gateway\r\n" END),
	BAD("empty Host", "GET / HTTP/1.1\r\nHost:\r\n" END),
	BAD("blank Host", "GET / HTTP/1.1\r\nHost:   \r\n" END),
	BAD("Host with path", "GET / HTTP/1.1\r\nHost: gateway/a\r\n" END),
	BAD("Host with user", "GET / HTTP/1.1\r\nHost: a@gateway\r\n" END),
	BAD("Host with blank", "GET / HTTP/1.1\r\nHost: gate way\r\n" END),
	BAD("Host with comma", "GET / HTTP/1.1\r\nHost: gateway, other\r\n" END),
	BAD("Host with quote", "GET / HTTP/1.1\r\nHost: gateway\"\r\n" END),
	BAD("Host with percent", "GET / HTTP/1.1\r\nHost: gate%77ay\r\n" END),
	BAD("Host with high byte", "GET / HTTP/1.1\r\nHost: g\xc3\xa4teway\r\n" END),
	BAD("Host with empty port", "GET / HTTP/1.1\r\nHost: gateway:\r\n" END),
	BAD("Host with port of letters", "GET / HTTP/1.1\r\nHost: gateway:abc\r\n" END),
	BAD("Host with long port", "GET / HTTP/1.1\r\nHost: gateway:123456\r\n" END),
	BAD("Host with two ports", "GET / HTTP/1.1\r\nHost: gateway:1:2\r\n" END),
	BAD("Host with port alone", "GET / HTTP/1.1\r\nHost: :443\r\n" END),
	BAD("Host with open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n" END),
	BAD("Host with letters in brackets", "GET / HTTP/1.1\r\nHost: [gateway]\r\n" END),
	BAD("Host with bracket inside", "GET / HTTP/1.1\r\nHost: ga[te]way\r\n" END),
	BAD("Host with bytes behind bracket", "GET / HTTP/1.1\r\nHost: [::1]x\r\n" END),
	BAD("Host with scheme", "GET / HTTP/1.1\r\nHost: https://gateway\r\n" END),
	/* Content-Length */
	BAD("two lengths", POST "Content-Length: 5\r\nContent-Length: 5\r\n" END "hello"),
	BAD("two different lengths",
		POST "Content-Length: 5\r\nContent-Length: 6\r\n" END "hello!"),
	BAD("list of lengths", POST "Content-Length: 5, 5\r\n" END "hello"),
	BAD("list of different lengths", POST "Content-Length: 5, 6\r\n" END "hello!"),
	BAD("empty length", POST "Content-Length:\r\n" END),
	BAD("negative length", POST "Content-Length: -1\r\n" END),
	BAD("length with plus", POST "Content-Length: +5\r\n" END "hello"),
	BAD("length in hexadecimal", POST "Content-Length: 0x5\r\n" END "hello"),
	BAD("length with letters", POST "Content-Length: 5a\r\n" END "hello"),
	BAD("length with blank inside", POST "Content-Length: 5 5\r\n" END "hello"),
	BAD("length with point", POST "Content-Length: 5.0\r\n" END "hello"),
	BAD("length in quotes", POST "Content-Length: \"5\"\r\n" END "hello"),
	BAD("length with exponent", POST "Content-Length: 1e1\r\n" END "hello"),
	BAD("length in other digits", POST "Content-Length: \xd9\xa5\r\n" END "hello"),
	BAD("length with underscore", POST "Content-Length: 1_0\r\n" END "hello"),
	BAD("length of twenty digits", POST "Content-Length: 00000000000000000005\r\n" END "hello"),
	BAD("length with semicolon", POST "Content-Length: 5;\r\n" END "hello"),
	LARGE("length past the ceiling", POST "Content-Length: 65537\r\n" END),
	LARGE("length that would wrap in 32 bits", POST "Content-Length: 4294967301\r\n" END),
	LARGE("length of nineteen digits", POST "Content-Length: 9999999999999999999\r\n" END),
	/* Transfer-Encoding */
	BAD("both", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n"),
	BAD("both, other order",
		POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END "0\r\n\r\n"),
	BAD("both, length 0",
		POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n" END "0\r\n\r\n"),
	BAD("identity", POST "Transfer-Encoding: identity\r\n" END),
	BAD("gzip", POST "Transfer-Encoding: gzip\r\n" END),
	BAD("gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n" END "0\r\n\r\n"),
	BAD("chunked, chunked", POST "Transfer-Encoding: chunked, chunked\r\n" END "0\r\n\r\n"),
	BAD("chunked, identity", POST "Transfer-Encoding: chunked, identity\r\n" END "0\r\n\r\n"),
	BAD("chunked with parameter", POST "Transfer-Encoding: chunked;q=1\r\n" END "0\r\n\r\n"),
	BAD("chunked in quotes", POST "Transfer-Encoding: \"chunked\"\r\n" END "0\r\n\r\n"),
	BAD("xchunked", POST "Transfer-Encoding: xchunked\r\n" END "0\r\n\r\n"),
	BAD("chunked and vertical tab", POST "Transfer-Encoding: \vchunked\r\n" END "0\r\n\r\n"),
	BAD("chunked and NUL", POST "Transfer-Encoding: chunked\0\r\n" END "0\r\n\r\n"),
	BAD("empty coding", POST "Transfer-Encoding:\r\n" END),
	BAD("two codings", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END
				"0\r\n\r\n"),
	BAD("hidden second coding",
		POST "Transfer-Encoding: chunked\r\ntRANSFER-eNCODING: identity\r\n" END),
	BAD("coding in HTTP/1.0",
		"POST /a HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" END "0\r\n\r\n"),
	/* other fields that must be single */
	BAD("two Authorizations", GET "Authorization: a\r\nAuthorization: b\r\n" END),
	BAD("two Content-Types", POST "Content-Type: a/b\r\nContent-Type: a/b\r\n" END),
	BAD("two Cookies", GET "Cookie: a=b\r\nCookie: c=d\r\n" END),
	BAD("two Origins", GET "Origin: https://a\r\nOrigin: https://b\r\n" END),
	BAD("two Referers", GET "Referer: a\r\nReferer: b\r\n" END),
	BAD("two Expects", POST "Expect: 100-continue\r\nExpect: 100-continue\r\n" END),
	BAD("two WebSocket keys", GET "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: b\r\n" END),
	BAD("other expectation", POST "Expect: something\r\n" END),
	BAD("compressed body", POST "Content-Encoding: gzip\r\nContent-Length: 1\r\n" END "x"),
};

static void test_malformed(void **state)
{
	struct http_request request;
	assert_true(ARRAY_LEN(malformed) >= 120);
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		int r = parse(malformed[i].text, malformed[i].len, &request);
		if (r != malformed[i].expected)
			fail_msg("%s: %d, not %d", malformed[i].name, r, malformed[i].expected);
	}
}

/* Cut short anywhere, a malformed head is refused or waited for, never taken. */
static void test_malformed_in_pieces(void **state)
{
	struct http_request request;
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
		for (size_t len = 0; len < malformed[i].len; len++)
			if (parse(malformed[i].text, len, &request) > 0)
				fail_msg("%s: taken after %zu bytes", malformed[i].name, len);
}

static void test_plain(void **state)
{
	static const char text[] =
		"POST /api/pam/remote/session?a=b&c HTTP/1.1\r\nhost: Gateway:8443\r\n"
		"Content-Type:application/json\r\nCONTENT-LENGTH: \t5 \r\nX: \xc3\xa9\r\n\r\nhello";
	struct http_request request;
	assert_int_equal(parse(text, sizeof text - 1, &request), sizeof text - 1 - 5);
	assert_true(slice_is(request.method, "POST"));
	assert_true(slice_is(request.path, "/api/pam/remote/session"));
	assert_true(slice_is(request.query, "a=b&c"));
	assert_true(slice_is(request.known[HTTP_HOST], "Gateway:8443"));
	assert_true(slice_is(request.known[HTTP_CONTENT_TYPE], "application/json"));
	assert_int_equal(request.content_length, 5);
	assert_int_equal(request.field_count, 4);
	assert_int_equal(request.minor, 1);
	assert_false(request.close);
	assert_false(request.chunked);
}

static void test_every_cut_waits(void **state)
{
	static const char text[] = GET "A: b\r\n" END;
	struct http_request request;
	for (size_t len = 0; len < sizeof text - 1; len++)
		assert_int_equal(parse(text, len, &request), 0);
	assert_int_equal(parse(text, sizeof text - 1, &request), sizeof text - 1);
}

static const struct case_ accepted[] = {
	{ "one empty line before", "\r\n" GET END, 0, 0 },
	{ "absolute form of ourselves", "GET https://Gateway/a?b HTTP/1.1\r\n" HOST END, 0, 0 },
	{ "scheme in capitals", "GET HTTPS://gateway/ HTTP/1.1\r\n" HOST END, 0, 0 },
	{ "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n" END, 0, 0 },
	{ "HTTP/1.0 with Host", "GET / HTTP/1.0\r\n" HOST END, 0, 0 },
	{ "IPv6 Host", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n" END, 0, 0 },
	{ "IPv4 in IPv6 Host", "GET / HTTP/1.1\r\nHost: [::ffff:192.0.2.1]\r\n" END, 0, 0 },
	{ "IPv4 Host", "GET / HTTP/1.1\r\nHost: 192.0.2.1:8443\r\n" END, 0, 0 },
	{ "empty value", GET "A:\r\n" END, 0, 0 },
	{ "tab in value", GET "A: b\tc\r\n" END, 0, 0 },
	{ "colon in value", GET "A: b:c\r\n" END, 0, 0 },
	{ "brackets in query", "GET /?a[]=1 HTTP/1.1\r\n" HOST END, 0, 0 },
	{ "empty query", "GET /? HTTP/1.1\r\n" HOST END, 0, 0 },
	{ "question mark in query", "GET /?a=?b HTTP/1.1\r\n" HOST END, 0, 0 },
	{ "chunked in capitals", POST "Transfer-Encoding: CHUNKED\r\n" END, 0, 0 },
	{ "length 0", POST "Content-Length: 0\r\n" END, 0, 0 },
	{ "length with zeros", POST "Content-Length: 0005\r\n" END, 0, 0 },
	{ "largest length", POST "Content-Length: 65536\r\n" END, 0, 0 },
	{ "identity content", POST "Content-Encoding: identity\r\n" END, 0, 0 },
	{ "two Forwardeds", GET "X-Forwarded-For: a\r\nX-Forwarded-For: b\r\n" END, 0, 0 },
	{ "method of seven letters", "OPTIONS /a HTTP/1.1\r\n" HOST END, 0, 0 },
};

static void test_accepted(void **state)
{
	struct http_request request;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		int r = parse(accepted[i].text, strlen(accepted[i].text), &request);
		if (r != (int)strlen(accepted[i].text))
			fail_msg("%s: %d", accepted[i].name, r);
	}
}

static void test_closing(void **state)
{
	struct http_request request;
	assert_true(parse("GET / HTTP/1.0\r\n\r\n", 18, &request) > 0);
	assert_true(request.close);
	static const char text[] = GET "Connection: keep-alive, Close\r\n" END;
	assert_true(parse(text, sizeof text - 1, &request) > 0);
	assert_true(request.close);
}

static void test_continue(void **state)
{
	struct http_request request;
	static const char text[] = POST "Expect: 100-Continue\r\nContent-Length: 3\r\n" END;
	assert_true(parse(text, sizeof text - 1, &request) > 0);
	assert_true(request.expects_continue);
	static const char old[] =
		"POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n" END;
	assert_true(parse(old, sizeof old - 1, &request) > 0);
	assert_false(request.expects_continue); /* an old client would not understand */
}

/* The ceilings: at them accepted, one more refused, and refused as soon as they are passed. */
static char big[HTTP_HEAD_MAX + 64];

static void test_line_ceiling(void **state)
{
	struct http_request request;
	memset(big, 'a', sizeof big);
	memcpy(big, "GET /", 5);
	memcpy(big + HTTP_LINE_MAX - 9, " HTTP/1.1\r\n" HOST END,
		sizeof(" HTTP/1.1\r\n" HOST END) - 1);
	assert_true(parse(big, HTTP_LINE_MAX + 2 + sizeof(HOST END) - 1, &request) > 0);
	memset(big, 'a', sizeof big);
	memcpy(big, "GET /", 5);
	memcpy(big + HTTP_LINE_MAX - 8, " HTTP/1.1\r\n" HOST END,
		sizeof(" HTTP/1.1\r\n" HOST END) - 1);
	assert_int_equal(parse(big, HTTP_LINE_MAX + 3 + sizeof(HOST END) - 1, &request),
		-ERR_HEAD_TOO_LARGE);
	memset(big + 5, 'a', sizeof big - 5);
	assert_int_equal(parse(big, HTTP_LINE_MAX + 2, &request), 0);
	assert_int_equal(parse(big, HTTP_LINE_MAX + 3, &request), -ERR_HEAD_TOO_LARGE);
}

static void test_head_ceiling(void **state)
{
	struct http_request request;
	memset(big, 'a', sizeof big);
	memcpy(big, GET "A: ", sizeof(GET "A: ") - 1);
	assert_int_equal(parse(big, HTTP_HEAD_MAX - 1, &request), 0);
	assert_int_equal(parse(big, HTTP_HEAD_MAX, &request), -ERR_HEAD_TOO_LARGE);
	memcpy(big + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(parse(big, HTTP_HEAD_MAX, &request), HTTP_HEAD_MAX);
}

static void test_field_ceiling(void **state)
{
	struct http_request request;
	size_t len = sizeof(GET) - 1;
	memcpy(big, GET, len);
	for (int i = 1; i < HTTP_FIELDS_MAX; i++, len += 6)
		memcpy(big + len, "A: b\r\n", 6);
	memcpy(big + len, "\r\n", 2);
	assert_true(parse(big, len + 2, &request) > 0);
	assert_int_equal(request.field_count, HTTP_FIELDS_MAX);
	memcpy(big + len, "A: b\r\n\r\n", 8);
	assert_int_equal(parse(big, len + 8, &request), -ERR_HEAD_TOO_LARGE);
}

static void test_tokens(void **state)
{
	struct http_request request;
	struct slice value;
	static const char text[] = GET "Connection: a, b\r\nconnection:  , Upgrade ,c\r\nCookie: "
				       "a=1; b=two;c= ; a2=x\r\n" END;
	unsigned i = 0;
	assert_true(parse(text, sizeof text - 1, &request) > 0);
	assert_true(http_has_token(&request, HTTP_CONNECTION, "upgrade"));
	assert_false(http_has_token(&request, HTTP_CONNECTION, "upgrad"));
	assert_false(http_has_token(&request, HTTP_UPGRADE, "upgrade"));
	assert_true(http_field_next(&request, HTTP_CONNECTION, &i, &value));
	assert_true(slice_is(value, "a, b"));
	assert_true(http_field_next(&request, HTTP_CONNECTION, &i, &value));
	assert_false(http_field_next(&request, HTTP_CONNECTION, &i, &value));
	assert_true(http_cookie(&request, "a", &value));
	assert_true(slice_is(value, "1"));
	assert_true(http_cookie(&request, "b", &value));
	assert_true(slice_is(value, "two"));
	assert_true(http_cookie(&request, "c", &value));
	assert_int_equal(value.len, 0);
	assert_false(http_cookie(&request, "d", &value));
}

static void test_cookie_twice(void **state)
{
	struct http_request request;
	struct slice value;
	static const char text[] = GET "Cookie: a=1; a=1\r\n" END;
	assert_true(parse(text, sizeof text - 1, &request) > 0);
	assert_false(http_cookie(&request, "a", &value));
}

/* Decodes text in pieces of `step` bytes; returns the last result. */
static int dechunk(const char *text, size_t text_len, size_t step, char *body, size_t *ret_len,
	size_t *ret_rest)
{
	static uint8_t bytes[HTTP_BODY_MAX * 2];
	struct http_chunked chunked = { 0 };
	size_t len = 0, fed = 0;
	int r = 0;
	while (r == 0 && fed < text_len) {
		size_t take = MIN(step, text_len - fed);
		memcpy(bytes + len, text + fed, take);
		fed += take;
		len += take;
		r = http_dechunk(&chunked, bytes, &len);
	}
	memcpy(body, bytes, chunked.body_len);
	*ret_len = chunked.body_len;
	*ret_rest = len - chunked.body_len + (text_len - fed);
	return r;
}

static void test_chunks(void **state)
{
	static const char text[] =
		"5\r\nhello\r\n6;name=\"v\"\r\n world\r\n0001\r\n!\r\n0\r\nA: b\r\n\r\nGET /";
	char body[64];
	size_t len, rest;
	for (size_t step = 1; step < sizeof text; step++) {
		assert_int_equal(dechunk(text, sizeof text - 1, step, body, &len, &rest), 1);
		assert_int_equal(len, 12);
		assert_memory_equal(body, "hello world!", 12);
		assert_int_equal(rest, 5);
	}
}

static const struct case_ bad_chunks[] = {
	BAD("no size", "\r\nhello\r\n0\r\n\r\n"),
	BAD("letters", "xyz\r\n"),
	BAD("minus", "-1\r\n"),
	BAD("plus", "+5\r\nhello\r\n0\r\n\r\n"),
	BAD("0x", "0x5\r\nhello\r\n0\r\n\r\n"),
	BAD("blank before", " 5\r\nhello\r\n0\r\n\r\n"),
	BAD("blank behind", "5 \r\nhello\r\n0\r\n\r\n"),
	BAD("bare LF", "5\nhello\r\n0\r\n\r\n"),
	BAD("bare LF in extension", "5;a\nhello\r\n0\r\n\r\n"),
	BAD("bare CR", "5\rhello\r\n0\r\n\r\n"),
	BAD("nine digits", "000000005\r\nhello\r\n0\r\n\r\n"),
	BAD("overflow", "10000000000000005\r\n"),
	BAD("data longer than its size", "4\r\nhello\r\n0\r\n\r\n"),
	BAD("data shorter than its size", "6\r\nhello\r\n0\r\n\r\n"),
	BAD("no CRLF behind the data", "5\r\nhello0\r\n\r\n"),
	BAD("LF behind the data", "5\r\nhello\n0\r\n\r\n"),
	BAD("control in extension", "5;\x01\r\nhello\r\n0\r\n\r\n"),
	BAD("NUL in size", "5\0\r\nhello\r\n0\r\n\r\n"),
	BAD("comma", "5,5\r\nhello\r\n0\r\n\r\n"),
	BAD("trailer without colon", "0\r\nA\r\n\r\n"),
	BAD("trailer folded", "0\r\nA: b\r\n c: d\r\n\r\n"),
	BAD("trailer with length", "0\r\nContent-Length: 5\r\n\r\n"),
	BAD("trailer with Host", "0\r\nHost: other\r\n\r\n"),
	BAD("trailer with NUL", "0\r\nA: \0\r\n\r\n"),
	LARGE("too large", "10001\r\n"),
	LARGE("largest number", "ffffffff\r\n"),
};

static void test_bad_chunks(void **state)
{
	char body[64];
	size_t len, rest;
	for (size_t i = 0; i < ARRAY_LEN(bad_chunks); i++)
		for (size_t step = 1; step <= bad_chunks[i].len; step++) {
			int r = dechunk(
				bad_chunks[i].text, bad_chunks[i].len, step, body, &len, &rest);
			if (r != bad_chunks[i].expected)
				fail_msg("%s, in steps of %zu: %d", bad_chunks[i].name, step, r);
		}
}

static void test_chunk_ceilings(void **state)
{
	struct http_chunked chunked = { .body_len = HTTP_BODY_MAX - 1 };
	static uint8_t bytes[HTTP_BODY_MAX + 64];
	size_t len = HTTP_BODY_MAX - 1 + 7;
	memcpy(bytes + HTTP_BODY_MAX - 1, "1\r\nx\r\n2", 7);
	assert_int_equal(http_dechunk(&chunked, bytes, &len), 0);
	assert_int_equal(chunked.body_len, HTTP_BODY_MAX);
	bytes[len++] = '\r';
	bytes[len++] = '\n';
	assert_int_equal(http_dechunk(&chunked, bytes, &len), -ERR_TOO_LARGE);
}

/* Extensions are ignored, and cannot be used to feed us for ever. */
static void test_chunk_extensions_end(void **state)
{
	struct http_chunked chunked = { 0 };
	uint8_t bytes[512];
	int r = 0;
	for (int i = 0; r == 0 && i < 100; i++) {
		memset(bytes, 'x', sizeof bytes);
		memcpy(bytes, "1;", 2);
		memcpy(bytes + 200, "\r\ny\r\n", 5);
		size_t len = 205;
		chunked.body_len = 0;
		r = http_dechunk(&chunked, bytes, &len);
	}
	assert_int_equal(r, -ERR_MALFORMED);
}

/* The longest chunk line is taken whole and in pieces, one byte more in neither. */
static void test_chunk_line_ceiling(void **state)
{
	char text[CHUNK_LINE_MAX + 16], body[64];
	size_t len, rest;
	for (size_t more = 0; more < 2; more++)
		for (size_t step = 1; step <= sizeof text; step += sizeof text - 1) {
			memset(text, 'x', sizeof text);
			memcpy(text, "1;", 2);
			memcpy(text + CHUNK_LINE_MAX + more, "\r\ny\r\n0\r\n\r\n", 10);
			int r = dechunk(text, CHUNK_LINE_MAX + more + 10, step, body, &len, &rest);
			assert_int_equal(r, more ? -ERR_MALFORMED : 1);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_malformed_in_pieces),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_every_cut_waits),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_closing),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_line_ceiling),
		cmocka_unit_test(test_head_ceiling),
		cmocka_unit_test(test_field_ceiling),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_cookie_twice),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_bad_chunks),
		cmocka_unit_test(test_chunk_ceilings),
		cmocka_unit_test(test_chunk_extensions_end),
		cmocka_unit_test(test_chunk_line_ceiling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
