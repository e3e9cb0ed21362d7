/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "ctl/client.c"

struct asking {
	struct cli cli;
	const char *method, *path, *secret;
	unsigned times;
	bool both; /* descriptors */
};

/* In the command's place: asks, prints the entity of each answer. */
static int ask_gateway(void *context)
{
	struct asking *asking = context;
	struct cli *cli = &asking->cli;
	int r = CLI_OK;

	cli->fds[0] = cli->fds[1] = -1;
	if (asking->secret != NULL) {
		cli->fds[0] = memfd_create("secret", MFD_CLOEXEC);
		r = write(cli->fds[0], asking->secret, strlen(asking->secret)) < 0;
		lseek(cli->fds[0], 0, SEEK_SET);
	}
	if (asking->both)
		cli->fds[1] = memfd_create("out", MFD_CLOEXEC);
	for (unsigned i = 0; r == CLI_OK && i < asking->times; i++) {
		json_t *entity = NULL;
		r = client_entity(cli, asking->method, asking->path, &entity);
		if (r == CLI_OK)
			show_json(entity);
		json_decref(entity);
	}
	client_close(cli);
	return r;
}

static int try(struct desk *desk, struct asking asking)
{
	if (asking.cli.data == NULL)
		asking.cli.data = desk->directory;
	asking.method = asking.method != NULL ? asking.method : "GET";
	asking.path = asking.path != NULL ? asking.path : "status";
	asking.times = asking.times != 0 ? asking.times : 1;
	return desk_fork(desk, ask_gateway, &asking);
}

static void unwraps_the_entity(void **state)
{
	static const char *const table[][2] = {
		{ "{\"code\":200,\"response\":{\"error\":false,\"message\":\"m\"},\"tenant\":\"T\","
		  "\"user\":{\"id\":\"7\"}}",
			"{\"id\":\"7\"}\n" },
		{ "{\"code\":200,\"response\":{\"message\":\"done\"},\"tenant\":\"T\"}",
			"{\"message\":\"done\"}\n" },
		{ "{\"code\":200,\"response\":{},\"users\":[]}", "[]\n" },
		{ "[1,2]", "[1,2]\n" },
		{ "true", "true\n" },
	};
	struct desk *desk = *state;

	desk_gateway(desk);
	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		desk->answers[0] = table[i][0];
		desk->call_count = 0;
		assert_int_equal(try(desk, (struct asking){ 0 }), CLI_OK);
		desk_said(desk, table[i][1]);
		desk_called(desk, 0, "GET /control/status", "");
	}
}

static void one_connection_serves_many_calls(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "[1]";
	desk->answers[1] = "[2]";
	assert_int_equal(try(desk, (struct asking){ .times = 3 }), CLI_OK);
	desk_said(desk, "[1]\n[2]\n[2]\n");
	assert_int_equal(desk->connections, 1);
	assert_int_equal(desk->call_count, 3);
}

static void puts_parts_together(void **state)
{
	struct desk *desk = *state;
	static char body[300000], said[300002];

	desk_gateway(desk);
	desk->answers[0] = "[\"in\",\"small\",\"parts\"]";
	desk->part = 1;
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_OK);
	desk_said(desk, "[\"in\",\"small\",\"parts\"]\n");

	/* More than one message can carry. */
	memset(body, 'x', sizeof body - 1);
	body[0] = body[sizeof body - 2] = '"';
	desk->answers[0] = body;
	desk->part = 0;
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_OK);
	ssize_t got = pread(desk->said[0], said, sizeof said - 1, 0);
	assert_int_equal(got, sizeof body);
	assert_memory_equal(said, body, sizeof body - 1);
}

static void wrong_answers_are_refused(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "[1]";
	desk->serial_off = 1;
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_FAILED);
	desk_said(desk, "");
	desk_complained(desk, "sallyport: the gateway did not answer: ");
	desk->serial_off = 0;
	desk->type = MSG_API_REPLY;
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_FAILED);
	desk_complained(desk, "the gateway did not answer: ");
	desk->type = 0;
	desk->answers[0] = "{\"half\":";
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_FAILED);
	desk_complained(desk, "sallyport: the gateway's answer cannot be read\n");
	desk->hangs_up = true;
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_FAILED);
	desk_complained(desk, "the gateway did not answer: ");
}

static void complaints_of_the_gateway_are_told(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"code\":400,\"response\":{\"error\":true,\"message\":"
			   "\"1005: User does not exist\",\"detail\":\"\"}}";
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_FAILED);
	assert_string_equal(desk->error, "sallyport: 1005: User does not exist\n");
	desk_said(desk, "");
	desk->answers[0] = "{\"response\":{\"error\":true,\"message\":\"No\","
			   "\"detail\":\"a\\u001b[2J\"}}";
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_FAILED);
	assert_string_equal(desk->error, "sallyport: No: a\\x1b[2J\n");
	desk->answers[0] = "{\"response\":{\"error\":true}}";
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_FAILED);
	assert_string_equal(desk->error, "sallyport: refused\n");
}

static void descriptors_travel_along(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	assert_int_equal(try(desk, (struct asking){ .secret = "s3cret" }), CLI_OK);
	assert_int_equal(desk->calls[0].fd_count, 1);
	assert_string_equal(desk->calls[0].secret, "s3cret");
	assert_int_equal(try(desk, (struct asking){ .secret = "s3cret", .both = true }), CLI_OK);
	assert_int_equal(desk->calls[1].fd_count, 2);
	assert_string_equal(desk->calls[1].secret, "s3cret");
	assert_int_equal(try(desk, (struct asking){ .both = true }), CLI_OK);
	assert_int_equal(desk->calls[2].fd_count, 1);
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_OK);
	assert_int_equal(desk->calls[3].fd_count, 0);
}

static void long_names_are_not_cut(void **state)
{
	struct desk *desk = *state;
	char path[600];

	desk_gateway(desk);
	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(try(desk, (struct asking){ .path = path }), CLI_FAILED);
	assert_int_equal(try(desk, (struct asking){ .method = "PROPFINDS" }), CLI_FAILED);
	assert_int_equal(desk->call_count, 0);
}

/* sun_path has 108 bytes. */
static void installations_may_lie_deep(void **state)
{
	struct desk *desk = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char deep[300], part[121];

	memset(part, 'd', 120);
	part[120] = '\0';
	snprintf(deep, sizeof deep, "%s/%s", desk->directory, part);
	assert_int_equal(mkdir(deep, 0700), 0);
	text_copy(address.sun_path, sizeof address.sun_path, "control.sock");
	assert_int_equal(chdir(deep), 0);
	desk->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(desk->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(desk->listener, 4), 0);
	assert_int_equal(chdir("/"), 0);
	desk->answers[0] = "[1]";
	assert_int_equal(try(desk, (struct asking){ .cli.data = deep }), CLI_OK);
	desk_said(desk, "[1]\n");
}

static int ask_as_nobody(void *context)
{
	if (geteuid() == 0 &&
		(setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
		return 99;
	return ask_gateway(context);
}

static void strangers_are_told_so(void **state)
{
	struct desk *desk = *state;
	struct asking asking = {
		.cli.data = desk->directory, .method = "GET", .path = "status", .times = 1
	};

	desk_gateway(desk);
	assert_int_equal(chmod(desk->directory, 0), 0);
	assert_int_equal(desk_fork(desk, ask_as_nobody, &asking), CLI_FAILED);
	assert_int_equal(chmod(desk->directory, 0700), 0);
	desk_complained(desk, ": not permitted; the owner of the installation and root may\n");
}

static void no_gateway_and_none_to_start(void **state)
{
	struct desk *desk = *state;

	desk->listener = -1;
	assert_int_equal(try(desk, (struct asking){ 0 }), CLI_FAILED);
	desk_said(desk, "");
	/* The supervisor says why, and this command what that means. */
	desk_complained(desk, "sallyport: sallyport.conf: No such file or directory\n");
	desk_complained(desk, "is not running and could not be started for this command\n");
	struct cli cli = { .data = desk->directory };
	assert_false(client_gateway_running(&cli));
	desk_gateway(desk);
	assert_true(client_gateway_running(&cli));
}

static void programs_lie_beside_this_one(void **state)
{
	char path[1024], self[1024];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	assert_int_equal(program_path(path, sizeof path, "sallyport-supervisor"), 0);
	assert_memory_equal(path, self, strlen(self));
	assert_string_equal(path + strlen(self), "/sallyport-supervisor");
	assert_int_equal(program_path(path, sizeof path, "sallyport-nonesuch"), 0);
	assert_string_equal(path, LIBEXECDIR "/sallyport-nonesuch");
}

static void closing_nothing_is_fine(void **state)
{
	struct cli cli = { 0 };

	client_close(&cli);
	assert_null(cli.client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(unwraps_the_entity),
		DESK_CASE(one_connection_serves_many_calls),
		DESK_CASE(puts_parts_together),
		DESK_CASE(wrong_answers_are_refused),
		DESK_CASE(complaints_of_the_gateway_are_told),
		DESK_CASE(descriptors_travel_along),
		DESK_CASE(long_names_are_not_cut),
		DESK_CASE(installations_may_lie_deep),
		DESK_CASE(strangers_are_told_so),
		DESK_CASE(no_gateway_and_none_to_start),
		cmocka_unit_test(programs_lie_beside_this_one),
		cmocka_unit_test(closing_nothing_is_fine),
	};

	setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* of the supervisor that is started */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
