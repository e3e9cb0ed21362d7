/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "base/log.h"
#include "base/mem.h"

/* Runs with stderr going into a pipe, and gives what arrived. */
struct capture {
	int kept, ends[2];
	char text[65536];
};

static void capture_begin(struct capture *capture)
{
	assert_int_equal(pipe2(capture->ends, O_NONBLOCK), 0);
	capture->kept = dup(STDERR_FILENO);
	dup2(capture->ends[1], STDERR_FILENO);
}

static const char *capture_end(struct capture *capture)
{
	ssize_t len;

	dup2(capture->kept, STDERR_FILENO);
	close(capture->kept);
	close(capture->ends[1]);
	len = read(capture->ends[0], capture->text, sizeof(capture->text) - 1);
	close(capture->ends[0]);
	capture->text[len < 0 ? 0 : len] = '\0';
	return capture->text;
}

static void one_line_of_json(void **state)
{
	struct capture capture;
	const char *text;

	log_open("vault", LOG_LEVEL_INFO);
	capture_begin(&capture);
	log_info("key.loaded", "version %d of \"%s\"\n\x1b[31m\xff", 3, "root");
	text = capture_end(&capture);
	assert_memory_equal(text, "{\"time\":\"20", 11);
	assert_non_null(strstr(text,
		"Z\",\"level\":\"info\",\"process\":\"vault\",\"event\":\"key.loaded\","
		"\"detail\":\"version 3 of \\\"root\\\"\\n\\u001b[31m\xef\xbf\xbd\"}\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void leaves_out_the_less_severe(void **state)
{
	struct capture capture;
	const char *text;

	log_open("front", LOG_LEVEL_WARNING);
	capture_begin(&capture);
	log_debug("a.debug", "x");
	log_info("a.info", "x");
	log_warning("a.warning", "x");
	log_error("an.error", "x");
	text = capture_end(&capture);
	assert_null(strstr(text, "a.debug"));
	assert_null(strstr(text, "a.info"));
	assert_non_null(strstr(text, "a.warning"));
	assert_non_null(strstr(text, "an.error"));
}

static void cuts_long_details_and_says_so(void **state)
{
	struct capture capture;
	char detail[20000];
	const char *text;

	memset(detail, '\x01', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	log_open("front", LOG_LEVEL_DEBUG);
	capture_begin(&capture);
	log_debug("long", "%s", detail);
	text = capture_end(&capture);
	assert_true(strlen(text) < 8192);
	assert_string_equal(text + strlen(text) - 6, "...\"}\n");
}

static void a_reader_who_is_slow_or_gone_stops_nobody(void **state)
{
	struct capture capture;

	log_open("front", LOG_LEVEL_DEBUG);
	capture_begin(&capture);
	errno = EILSEQ;
	for (int i = 0; i < 5000; i++)
		log_debug("flood", "line %d", i);
	assert_int_equal(errno, EILSEQ);
	assert_non_null(strstr(capture_end(&capture), "line 0\""));
	log_open("sallyport", LOG_LEVEL_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_of_json),
		cmocka_unit_test(leaves_out_the_less_severe),
		cmocka_unit_test(cuts_long_details_and_says_so),
		cmocka_unit_test(a_reader_who_is_slow_or_gone_stops_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
