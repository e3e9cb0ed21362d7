/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/wait.h>

#include "supervisor/place.c"

struct scene {
	struct stage stage;
	struct place place;
	struct settings settings;
	char said[1024]; /* on stderr */
	int error;       /* the real stderr */
	int kept;        /* what stands in for it */
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	stage_open(&scene->stage);
	scene->error = dup(2);
	scene->kept = open("error", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	place_close(&scene->place);
	close(scene->error);
	close(scene->kept);
	stage_close(&scene->stage);
	free(scene);
	return 0;
}

/* place_open() on the stage's installation; what it said is in scene->said. */
static int try_open(struct scene *scene, const char *directory, bool offline, const char *listen_at,
	const char *store)
{
	fflush(stderr);
	dup2(scene->kept, 2);
	assert_int_equal(ftruncate(scene->kept, 0), 0);
	int r = place_open(&scene->place, directory, &scene->settings, offline, listen_at, store);
	fflush(stderr);
	dup2(scene->error, 2);
	ssize_t got = pread(scene->kept, scene->said, sizeof scene->said - 1, 0);
	scene->said[got] = '\0';
	return r;
}

static void refused(struct scene *scene, const char *directory, bool offline, const char *listen_at,
	const char *words)
{
	assert_true(try_open(scene, directory, offline, listen_at, NULL) < 0);
	assert_string_equal(scene->said, words);
	assert_int_equal(access("data/control.sock", F_OK), -1);
	place_close(&scene->place);
}

static void opens_an_installation(void **state)
{
	struct scene *scene = *state;
	struct stat stat;
	struct place *place = &scene->place;

	assert_int_equal(try_open(scene, "data", false, "127.0.0.1:0", "sqlite"), 0);
	assert_string_equal(scene->said, "");
	const int all[] = { place->directory, place->lock, place->vault, place->store,
		place->recordings, place->tls_cert, place->tls_key, place->listen, place->control };
	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		assert_true(all[i] >= 0);
		assert_true(fcntl(all[i], F_GETFD) & FD_CLOEXEC);
	}
	assert_int_equal(lstat("data/control.sock", &stat), 0);
	assert_int_equal(stat.st_mode & 0777, 0600);
	assert_true(fcntl(place->listen, F_GETFL) & O_NONBLOCK);
	assert_string_equal(scene->settings.gateway_listen, "127.0.0.1:0");
	place_close(place);
	assert_int_equal(access("data/control.sock", F_OK), -1);
	assert_int_equal(place->listen, -1);
	assert_int_equal(place->lock, -1);
	assert_int_equal(fcntl(all[0], F_GETFD), -1);
}

static void needs_no_network_offline(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(unlink("data/tls/key.pem"), 0);
	assert_int_equal(try_open(scene, "data", true, NULL, NULL), 0);
	assert_int_equal(scene->place.listen, -1);
	assert_int_equal(scene->place.tls_key, -1);
	assert_true(scene->place.control >= 0);
	place_close(&scene->place);
	refused(scene, "data", false, NULL, "sallyport: tls/key.pem: No such file or directory\n");
}

static void says_what_is_missing(void **state)
{
	struct scene *scene = *state;

	refused(scene, "nowhere", true, NULL,
		"sallyport: nowhere: no such directory; make one with: sallyport init\n");
	refused(scene, "story", true, NULL, "sallyport: story: Not a directory\n");
	assert_int_equal(rename("data/sallyport.conf", "data/other"), 0);
	refused(scene, "data", true, NULL,
		"sallyport: sallyport.conf: No such file or directory\n");
	assert_int_equal(rename("data/other", "data/sallyport.conf"), 0);
	assert_int_equal(rmdir("data/recordings"), 0);
	refused(scene, "data", true, NULL, "sallyport: recordings: No such file or directory\n");
}

/* A link in the place of something may lead anywhere. */
static void follows_no_links(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(rename("data/vault", "vault"), 0);
	assert_int_equal(symlink("../vault", "data/vault"), 0);
	refused(scene, "data", true, NULL, "sallyport: vault: Not a directory\n");
	assert_int_equal(rename("data/sallyport.conf", "conf"), 0);
	assert_int_equal(symlink("../conf", "data/sallyport.conf"), 0);
	assert_true(try_open(scene, "data", true, NULL, NULL) < 0);
	assert_non_null(strstr(scene->said, "sallyport.conf: Too many levels"));
	place_close(&scene->place);
}

static void runs_once_on_a_directory(void **state)
{
	struct scene *scene = *state;
	struct place first;

	assert_int_equal(try_open(scene, "data", true, NULL, NULL), 0);
	first = scene->place;
	assert_true(try_open(scene, "data", true, NULL, NULL) < 0);
	assert_string_equal(
		scene->said, "sallyport: this installation: a gateway is already running on it\n");
	/* The one that was refused takes nothing away from the one that runs. */
	place_close(&scene->place);
	assert_int_equal(access("data/control.sock", F_OK), 0);
	place_close(&first);
	assert_int_equal(try_open(scene, "data", true, NULL, NULL), 0);
}

/* Another process, as a command is one, has the lock and lets it go a moment later. */
static void waits_for_a_command(void **state)
{
	struct scene *scene = *state;
	int held[2];
	char c;

	assert_int_equal(pipe(held), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open("data/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd >= 0 && flock(fd, LOCK_EX) == 0 && write(held[1], "x", 1) == 1)
			usleep(LOCK_WAIT_MS * 1000 / 4);
		_exit(0);
	}
	assert_int_equal(read(held[0], &c, 1), 1);
	assert_int_equal(try_open(scene, "data", true, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(held[0]);
	close(held[1]);
}

static void names_the_line_that_is_wrong(void **state)
{
	static char large[CONF_MAX + 10];
	struct scene *scene = *state;

	stage_file("data/sallyport.conf", "[gateway]\n\nlisten_at = 4\n", 0644);
	assert_true(try_open(scene, "data", true, NULL, NULL) < 0);
	assert_string_equal(scene->said,
		"sallyport: sallyport.conf: line 3: unknown setting gateway.listen_at\n");
	place_close(&scene->place);
	memset(large, '#', sizeof large - 1);
	stage_file("data/sallyport.conf", large, 0644);
	refused(scene, "data", true, NULL, "sallyport: sallyport.conf: too large\n");
	int fd = open("data/sallyport.conf", O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "[gateway]\n\0x", 12), 12);
	close(fd);
	refused(scene, "data", true, NULL, "sallyport: sallyport.conf: cannot be read as text\n");
}

static void command_line_beats_the_file(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(try_open(scene, "data", false, "[::1]:0", NULL), 0);
	assert_string_equal(scene->settings.gateway_listen, "[::1]:0");
	place_close(&scene->place);
	char far[200];
	memset(far, '1', sizeof far - 1);
	far[sizeof far - 1] = '\0';
	assert_true(try_open(scene, "data", true, far, NULL) < 0);
	assert_non_null(strstr(scene->said, "sallyport: gateway.listen: gateway.listen must be"));
}

static void splits_addresses(void **state)
{
	static const struct {
		const char *text, *host, *port;
	} rows[] = {
		{ "127.0.0.1:8443", "127.0.0.1", "8443" },
		{ "[::1]:443", "::1", "443" },
		{ "[::]:0", "::", "0" },
		{ "127.0.0.1", NULL, NULL },
		{ ":8443", NULL, NULL },
		{ "127.0.0.1:12345678", NULL, NULL },
		{ "", NULL, NULL },
	};
	char host[64], port[8];

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		int r = split_listen(rows[i].text, host, port);
		assert_int_equal(r == 0, rows[i].host != NULL);
		if (r == 0) {
			assert_string_equal(host, rows[i].host);
			assert_string_equal(port, rows[i].port);
		}
	}
}

static void listens_where_it_is_told(void **state)
{
	struct scene *scene = *state;
	struct sockaddr_storage bound;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&bound;
	struct sockaddr_in *four = (struct sockaddr_in *)&bound;
	socklen_t size = sizeof bound;
	char taken[32], said[128];

	assert_int_equal(try_open(scene, "data", false, "[::1]:0", NULL), 0);
	assert_int_equal(getsockname(scene->place.listen, (struct sockaddr *)&bound, &size), 0);
	assert_int_equal(bound.ss_family, AF_INET6);
	assert_true(IN6_IS_ADDR_LOOPBACK(&six->sin6_addr));
	place_close(&scene->place);

	char complaint[REASON_SIZE];
	int fd = listen_tcp("127.0.0.1:0", complaint);
	size = sizeof bound;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &size), 0);
	assert_int_equal(four->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	snprintf(taken, sizeof taken, "127.0.0.1:%u", ntohs(four->sin_port));
	snprintf(said, sizeof said, "sallyport: %s: Address already in use\n", taken);
	refused(scene, "data", false, taken, said);
	close(fd);
	assert_true(listen_tcp("localhost:80", complaint) < 0);
	assert_true(listen_tcp("127.0.0.1:http", complaint) < 0);
	assert_true(listen_tcp("[127.0.0.1:80", complaint) < 0);
}

/* sun_path has 108 bytes; an installation may lie deeper. */
static void control_socket_lies_deep(void **state)
{
	struct scene *scene = *state;
	char path[300] = "", part[101];

	memset(part, 'd', 100);
	part[100] = '\0';
	assert_int_equal(mkdir(part, 0755), 0);
	snprintf(path, sizeof path, "%s/%s", part, part);
	assert_int_equal(rename("data", path), 0);
	assert_int_equal(try_open(scene, path, true, NULL, NULL), 0);
	assert_int_equal(chdir(path), 0);
	assert_int_equal(access("control.sock", F_OK), 0);
}

/* What a crashed gateway left behind is no obstacle. */
static void old_control_socket_goes(void **state)
{
	struct scene *scene = *state;

	stage_file("data/control.sock", "left", 0644);
	assert_int_equal(try_open(scene, "data", true, NULL, NULL), 0);
	struct stat stat;
	assert_int_equal(lstat("data/control.sock", &stat), 0);
	assert_true(S_ISSOCK(stat.st_mode));
}

static unsigned owner(const char *path)
{
	struct stat stat;

	assert_int_equal(lstat(path, &stat), 0);
	return stat.st_uid;
}

static void gives_each_process_its_directory(void **state)
{
	struct scene *scene = *state;

	if (geteuid() != 0)
		skip();
	stage_file("data/store/sallyport.db", "db", 0600);
	stage_file("data/vault/root.key", "key", 0600);
	stage_file("outside", "mine", 0600);
	assert_int_equal(symlink("../../outside", "data/recordings/link.rec"), 0);
	assert_int_equal(link("outside", "data/recordings/hard.rec"), 0);
	assert_int_equal(mkdir("data/recordings/deep", 0700), 0);
	assert_int_equal(chown("data", 4321, 4321), 0);
	assert_int_equal(try_open(scene, "data", true, NULL, NULL), 0);
	assert_int_equal(owner("data/control.sock"), 4321);
	assert_int_equal(place_own(&scene->place, &scene->settings), 0);
	unsigned base = (unsigned)scene->settings.gateway_uid_base;
	assert_int_equal(owner("data/store"), base + 2);
	assert_int_equal(owner("data/store/sallyport.db"), base + 2);
	assert_int_equal(owner("data/vault"), base + 3);
	assert_int_equal(owner("data/vault/root.key"), base + 3);
	assert_int_equal(owner("data/recordings"), base + 4);
	/* What the recorder could have put there to be given something else. */
	assert_int_equal(owner("outside"), 0);
	assert_int_equal(owner("data/recordings/deep"), 0);
	assert_int_equal(owner("data"), 4321);
}

/* In a process of its own: there is no way back. What it did, and whether it is what it should be.
 */
static int become_owner(const struct place *place)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int r = place_become_owner(place);
		if (r <= 0)
			_exit(r == 0 ? 0 : 99);
		bool became = getuid() == 4321 && geteuid() == 4321 && getegid() == 4322 &&
			      getgroups(0, NULL) == 0 && setuid(0) < 0 &&
			      prctl(PR_GET_DUMPABLE) == 0 &&
			      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
		/* What it makes tomorrow as an ordinary user must not be root's today. */
		_exit(became && openat(place->directory, "lock", O_RDWR) >= 0 ? 1 : 98);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void root_becomes_the_owner(void **state)
{
	struct scene *scene = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(try_open(scene, "data", true, NULL, NULL), 0);
	assert_int_equal(become_owner(&scene->place), 0);
	place_close(&scene->place);
	assert_int_equal(chown("data", 4321, 4322), 0);
	assert_int_equal(try_open(scene, "data", true, NULL, NULL), 0);
	assert_int_equal(become_owner(&scene->place), 1);
	assert_int_equal(owner("data/lock"), 4321);
}

/* As a service manager gives it: descriptor 3, and words in the environment. */
static void listens_on_what_is_inherited(void **state)
{
	struct scene *scene = *state;
	struct sockaddr_in bound, ours;
	socklen_t size = sizeof bound;
	char pid[16];

	char complaint[REASON_SIZE];
	int fd = listen_tcp("127.0.0.1:0", complaint);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ours, &size), 0);
	int kept = dup(3); /* whatever lies there */
	assert_int_equal(dup2(fd, 3), 3);
	snprintf(pid, sizeof pid, "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(try_open(scene, "data", false, "127.0.0.1:1", NULL), 0);
	size = sizeof bound;
	assert_int_equal(getsockname(scene->place.listen, (struct sockaddr *)&bound, &size), 0);
	assert_int_equal(bound.sin_port, ours.sin_port);
	place_close(&scene->place);
	setenv("LISTEN_FDS", "2", 1);
	refused(scene, "data", false, NULL,
		"sallyport: the service manager's socket: not one listening TCP socket\n");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	close(fd);
	if (kept >= 0)
		dup2(kept, 3);
	close(kept);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(opens_an_installation),
		CASE(needs_no_network_offline),
		CASE(says_what_is_missing),
		CASE(follows_no_links),
		CASE(runs_once_on_a_directory),
		CASE(waits_for_a_command),
		CASE(names_the_line_that_is_wrong),
		CASE(command_line_beats_the_file),
		cmocka_unit_test(splits_addresses),
		CASE(listens_where_it_is_told),
		CASE(control_socket_lies_deep),
		CASE(old_control_socket_goes),
		CASE(gives_each_process_its_directory),
		CASE(root_becomes_the_owner),
		CASE(listens_on_what_is_inherited),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
