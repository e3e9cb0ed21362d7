/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many people who open one URL at the same moment: redeem PORT HOST PEOPLE < one value of _sr a
 * line.
 *
 * For each line all stand ready on a connection of their own; then each says its whole question,
 * back to back. Connections are kept for the next line. Prints for each line one object: how often
 * which status came ("0": the connection broke without an answer), how many different bodies losers
 * saw, and what the winners were told.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PEOPLE_MAX 4096
#define EVENTS_MAX 256
#define ANSWER_MAX 4096
#define BODIES_MAX 16
#define STATUS_MAX 600
#define SILENCE_MS 20000 /* of everybody: then the rest counts as broken */

enum step { GREETING, READY, ASKED, OVER };
struct person {
	SSL *tls;
	enum step step;
	char answer[ANSWER_MAX];
	size_t len;
};

static struct person people[PEOPLE_MAX];
static unsigned count, waiting;
static uint16_t port;
static const char *host;
static SSL_CTX *context;
static char key[96];
static int epoll;

__attribute__((noreturn)) static void die(const char *words)
{
	fprintf(stderr, "redeem: %s: %s\n", words, strerror(errno));
	exit(1);
}

/* One key for all: whose key it is does not matter to who wins. */
static void make_key(void)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	unsigned char point[65];
	size_t len;

	if (pair == NULL ||
		EVP_PKEY_get_octet_string_param(pair, "pub", point, sizeof point, &len) != 1)
		die("no key");
	EVP_EncodeBlock((unsigned char *)key, point, (int)len);
	EVP_PKEY_free(pair);
}

static bool dial(struct person *person)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = person };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	person->step = GREETING;
	person->tls = SSL_new(context);
	SSL_set_fd(person->tls, fd);
	SSL_set_tlsext_host_name(person->tls, "localhost");
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void hang_up(struct person *person)
{
	if (person->tls == NULL)
		return;
	close(SSL_get_fd(person->tls));
	SSL_free(person->tls);
	person->tls = NULL;
}

static void over(struct person *person, enum step step)
{
	if (person->step == GREETING || person->step == ASKED)
		waiting--;
	person->step = step;
}

static void greet(struct person *person)
{
	int r = SSL_connect(person->tls);

	if (r == 1)
		over(person, READY);
	else if (SSL_get_error(person->tls, r) != SSL_ERROR_WANT_READ)
		over(person, OVER);
	ERR_clear_error();
}

static bool answered(const struct person *person)
{
	const char *end = strstr(person->answer, "\r\n\r\n"),
		   *length = strcasestr(person->answer, "content-length:");

	return end != NULL && length != NULL && length < end &&
	       person->answer + person->len >= end + 4 + strtoul(length + 15, NULL, 10);
}

static void listen_to(struct person *person)
{
	int got;

	while ((got = SSL_read(person->tls, person->answer + person->len,
			(int)(ANSWER_MAX - 1 - person->len))) > 0)
		person->len += (size_t)got;
	person->answer[person->len] = '\0';
	if (answered(person))
		over(person, READY);
	if (SSL_get_error(person->tls, got) != SSL_ERROR_WANT_READ)
		over(person, OVER);
	ERR_clear_error();
}

/* Between questions: the keys of later handshakes, or the end. */
static void overhear(struct person *person)
{
	char nothing;

	if (SSL_get_error(person->tls, SSL_peek(person->tls, &nothing, 1)) != SSL_ERROR_WANT_READ)
		person->step = OVER;
	ERR_clear_error();
}

static void serve(void)
{
	struct epoll_event events[EVENTS_MAX];

	while (waiting > 0) {
		int ready = epoll_wait(epoll, events, EVENTS_MAX, SILENCE_MS);
		if (ready == 0)
			return;
		for (int i = 0; i < ready; i++) {
			struct person *person = events[i].data.ptr;
			if (person->step == GREETING)
				greet(person);
			else if (person->step == ASKED)
				listen_to(person);
			else
				overhear(person);
		}
	}
}

static void ask_all(const char *sr)
{
	char body[512], request[1024];
	int body_len = snprintf(body, sizeof body,
		"{\"sr\":\"%s\",\"key\":\"%s\",\"columns\":80,\"rows\":24,\"width\":640,\"height\":"
		"480}",
		sr, key);
	int len = snprintf(request, sizeof request,
		"POST /modulos/auth HTTP/1.1\r\nHost: %s\r\nOrigin: https://%s\r\nSec-Fetch-Site: "
		"same-origin\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		host, host, body_len, body);

	waiting = 0;
	for (unsigned i = 0; i < count; i++) {
		if (people[i].step != READY || SSL_write(people[i].tls, request, len) != len)
			continue;
		people[i].step = ASKED;
		waiting++;
	}
}

static void print_answers(void)
{
	static unsigned statuses[STATUS_MAX];
	const char *bodies[BODIES_MAX];
	unsigned different = 0;
	bool first = true;

	memset(statuses, 0, sizeof statuses);
	printf("{\"winners\":[");
	for (unsigned i = 0; i < count; i++) {
		struct person *person = &people[i];
		const char *body = strstr(person->answer, "\r\n\r\n");
		unsigned long status =
			person->len > 12 ? strtoul(person->answer + 9, NULL, 10) % STATUS_MAX : 0;
		unsigned known = 0;
		if (body == NULL)
			status = 0;
		statuses[status]++;
		if (status == 200) {
			printf("%s%s", first ? "" : ",", body + 4);
			first = false;
		}
		if (status != 410)
			continue;
		while (known < different && strcmp(bodies[known], body) != 0)
			known++;
		if (known == different && different < BODIES_MAX)
			bodies[different++] = body;
	}
	printf("],\"bodies\":%u,\"statuses\":{", different);
	for (unsigned status = 0, said = 0; status < STATUS_MAX; status++)
		if (statuses[status] > 0)
			printf("%s\"%u\":%u", said++ > 0 ? "," : "", status, statuses[status]);
	printf("}}\n");
	fflush(stdout);
}

static void round_of(const char *sr)
{
	waiting = 0;
	for (unsigned i = 0; i < count; i++) {
		struct person *person = &people[i];
		person->answer[person->len = 0] = '\0';
		if (person->tls != NULL && person->step == READY)
			continue;
		hang_up(person);
		if (dial(person)) {
			waiting++;
			greet(person);
		} else {
			person->step = OVER;
		}
	}
	serve();
	printf("{\"ready\":true}\n");
	fflush(stdout);
	ask_all(sr);
	serve();
	print_answers();
}

int main(int argument_count, char **arguments)
{
	char line[512];
	struct rlimit files;

	if (argument_count != 4)
		return 2;
	port = (uint16_t)strtoul(arguments[1], NULL, 10);
	host = arguments[2];
	count = (unsigned)strtoul(arguments[3], NULL, 10);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	context = SSL_CTX_new(TLS_client_method());
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (count == 0 || count > PEOPLE_MAX || context == NULL || epoll < 0)
		die("cannot begin");
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	make_key();
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		round_of(line);
	}
	return 0;
}
