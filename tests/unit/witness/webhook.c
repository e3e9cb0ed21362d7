/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/webhook.c"

#include <openssl/hmac.h>
#include <signal.h>

#include "receiver.h"

#define KEY "sixteen bytes or more"
#define TAKEN "HTTP/1.1 204 No Content\r\n\r\n"

static struct webhook hook;

static void begin(
	struct stand *stand, const struct receiver *receiver, const struct authority *authority)
{
	char url[64];

	snprintf(url, sizeof url, "https://localhost:%u/take", receiver->port);
	assert_int_equal(
		webhook_init(&hook, url, secret_create(KEY, strlen(KEY)), strdup(authority->pem)),
		0);
	lookup_resolve(&hook.lookup, 0);
	assert_int_equal(webhook_open(&hook), 0);
	stand->outlet.recordings = true;
	stand_begin(stand, &webhook_kind, &hook, NULL);
}

/* The last request of the receiver's file, and whether its signature is right. */
static void assert_signed(const char *text, const char *body)
{
	const char *time = strstr(text, "Sallyport-Time: "), *signature;
	char want[68] = "v1=", message[8192];
	uint8_t digest[32];
	unsigned len;

	assert_non_null(time);
	signature = strstr(text, "Sallyport-Signature: ");
	assert_non_null(signature);
	snprintf(message, sizeof message, "%lld.%s", strtoll(time + 16, NULL, 10), body);
	HMAC(EVP_sha256(), KEY, (int)strlen(KEY), (uint8_t *)message, strlen(message), digest,
		&len);
	hex_encode(want + 3, digest, 32);
	assert_memory_equal(signature + 21, want, 67);
}

static void test_a_signed_delivery(void **state)
{
	struct stand *stand = *state;
	struct authority authority;
	struct receiver receiver = { .answer = TAKEN };

	authority_create(&authority, "localhost");
	receiver_start(&receiver, stand, &authority);
	begin(stand, &receiver, &authority);
	stand_newest(stand, 3);
	STAND_UNTIL(stand, stand->outlet.taken.sequence == 3);
	CLEANUP(mem_freep) char *got = receiver_got(&receiver);
	assert_int_equal(strncmp(got, "POST /take HTTP/1.1\r\n", 21), 0);
	assert_non_null(strstr(got, "\r\nContent-Type: application/x-ndjson\r\n"));
	assert_null(strstr(got, "Expect:"));
	const char *body = strstr(got, "\r\n\r\n") + 4;
	assert_int_equal(stand_lines(body, "audit.head"), 1);
	assert_signed(got, body);
	/* the next on the same connection */
	stand_newest(stand, 4);
	STAND_UNTIL(stand, stand->outlet.taken.sequence == 4);
	receiver_stop(&receiver);
	authority_destroy(&authority);
}

static void test_sent_until_it_is_taken(void **state)
{
	struct stand *stand = *state;
	struct authority authority;
	struct receiver receiver = { .answer = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" };

	authority_create(&authority, "localhost");
	receiver_start(&receiver, stand, &authority);
	begin(stand, &receiver, &authority);
	stand_newest(stand, 3);
	STAND_UNTIL(stand, !stand->outlet.up);
	assert_string_equal(stand->outlet.why, "localhost: status 500");
	receiver_stop(&receiver);
	STAND_UNTIL(stand, strstr(stand->outlet.why, "onnect") != NULL);
	receiver.answer = TAKEN;
	receiver_start(&receiver, stand, &authority);
	STAND_UNTIL(stand, stand->outlet.taken.sequence == 3);
	assert_true(stand->outlet.up);
	receiver_stop(&receiver);
	authority_destroy(&authority);
}

static void test_redirects_lead_nowhere(void **state)
{
	struct stand *stand = *state;
	struct authority authority;
	struct receiver receiver = { .answer = "HTTP/1.1 302 Over there\r\nLocation: /else\r\n"
					       "Content-Length: 0\r\n\r\n" };

	authority_create(&authority, "localhost");
	receiver_start(&receiver, stand, &authority);
	begin(stand, &receiver, &authority);
	stand_newest(stand, 3);
	STAND_UNTIL(stand, !stand->outlet.up);
	assert_string_equal(stand->outlet.why, "localhost: status 302");
	receiver_stop(&receiver);
	authority_destroy(&authority);
}

static void test_a_certificate_that_is_not_right(void **state)
{
	struct stand *stand = *state;
	struct authority authority, other;
	struct receiver receiver = { .answer = TAKEN };

	authority_create(&authority, "gate.example");
	authority_create(&other, "localhost");
	receiver_start(&receiver, stand, &authority);
	begin(stand, &receiver, &authority); /* its name is another */
	stand_newest(stand, 3);
	STAND_UNTIL(stand, !stand->outlet.up);
	assert_non_null(strstr(stand->outlet.why, "SSL: no alternative certificate subject"));
	outlet_end(&stand->outlet);
	stand->outlet = (struct outlet){ .host = &stand->host };
	begin(stand, &receiver, &other); /* nobody we know vouches for it */
	stand_newest(stand, 3);
	STAND_UNTIL(stand, !stand->outlet.up);
	assert_string_equal(stand->outlet.why, "localhost: unable to get local issuer certificate");
	CLEANUP(mem_freep) char *got = receiver_got(&receiver);
	assert_string_equal(got, "");
	receiver_stop(&receiver);
	authority_destroy(&authority);
	authority_destroy(&other);
}

static void test_an_endless_answer(void **state)
{
	struct stand *stand = *state;
	struct authority authority;
	char *answer = calloc(1, 200000);
	struct receiver receiver = { .answer = answer };

	snprintf(answer, 100, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
	memset(answer + strlen(answer), 'x', 150000);
	authority_create(&authority, "localhost");
	receiver_start(&receiver, stand, &authority);
	begin(stand, &receiver, &authority);
	stand_newest(stand, 3);
	STAND_UNTIL(stand, !stand->outlet.up);
	receiver_stop(&receiver);
	authority_destroy(&authority);
	free(answer);
}

/* The end may come in the middle of a delivery. */
static void test_ends_while_it_delivers(void **state)
{
	struct stand *stand = *state;
	struct authority authority;
	struct receiver receiver = { .silent = true };

	authority_create(&authority, "localhost");
	receiver_start(&receiver, stand, &authority);
	begin(stand, &receiver, &authority);
	stand_newest(stand, 3);
	stand_run(stand, 50);
	assert_true(hook.running);
	outlet_end(&stand->outlet);
	receiver_stop(&receiver);
	authority_destroy(&authority);
}

static void test_settings(void **state)
{
	struct webhook one;

	assert_int_equal(webhook_init(&one, "http://host/", secret_create(KEY, 20), strdup("")),
		-ERR_MALFORMED);
	webhook_close(&(struct outlet){ .self = &one });
	assert_int_equal(webhook_init(&one, "https://host/", secret_create("short", 5), strdup("")),
		-ERR_MALFORMED);
	webhook_close(&(struct outlet){ .self = &one });
	assert_int_equal(webhook_init(&one, "https://host/", NULL, strdup("")), -ERR_MALFORMED);
	webhook_close(&(struct outlet){ .self = &one });
}

static void test_no_address(void **state)
{
	struct stand *stand = *state;

	assert_int_equal(
		webhook_init(&hook, "https://nobody.invalid/", secret_create(KEY, 20), strdup("")),
		0);
	assert_int_equal(webhook_open(&hook), 0);
	stand_begin(stand, &webhook_kind, &hook, NULL);
	stand_newest(stand, 1);
	assert_string_equal(stand->outlet.why, "nobody.invalid: no address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAND(test_a_signed_delivery),
		STAND(test_sent_until_it_is_taken),
		STAND(test_redirects_lead_nowhere),
		STAND(test_a_certificate_that_is_not_right),
		STAND(test_an_endless_answer),
		STAND(test_ends_while_it_delivers),
		STAND(test_settings),
		STAND(test_no_address),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
