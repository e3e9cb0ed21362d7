/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "supervisor/credential.h"

#define CONF_MAX 65536
#define BACKLOG 1024
#define LOCK_WAIT_MS 1000
#define LOCK_STEP_MS 20

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "sallyport: %s: %s\n", what, why);
	return -ERR_SYSTEM;
}

static int say(const char *complaint)
{
	fprintf(stderr, "sallyport: %s\n", complaint);
	return -ERR_SYSTEM;
}

/* The same in words for whoever asked. */
static int word(char complaint[REASON_SIZE], const char *what, const char *why)
{
	snprintf(complaint, REASON_SIZE, "%.60s: %.180s", what, why);
	return -ERR_SYSTEM;
}

static int open_at(int directory, const char *name, int flags)
{
	int fd = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		complain(name, strerror(errno));
	return fd;
}

static int read_settings(int directory, struct settings *settings, char complaint[REASON_SIZE])
{
	static const char name[] = "sallyport.conf";
	char why[REASON_SIZE];
	CLEANUP(buf_finish) struct buf text = BUF(CONF_MAX);
	CLEANUP(fd_closep) int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t *room;
	ssize_t got;

	settings_defaults(settings);
	if (fd < 0)
		return word(complaint, name, strerror(errno));
	do {
		if (buf_reserve(&text, 4096, &room) < 0)
			return word(complaint, name, "too large");
		got = read(fd, room, 4096);
		buf_commit(&text, got > 0 ? (size_t)got : 0);
	} while (got > 0);
	if (got < 0 || buf_append(&text, "", 1) < 0 || strlen((char *)text.data) + 1 != text.len)
		return word(complaint, name, "cannot be read as text");
	if (settings_parse(settings, (char *)text.data, why) < 0)
		return word(complaint, name, why);
	return 0;
}

static int override(
	struct settings *settings, const char *name, const char *value, char complaint[REASON_SIZE])
{
	char why[REASON_SIZE];

	if (value != NULL && settings_set(settings, name, value, why) < 0)
		return word(complaint, name, why);
	return 0;
}

static int read_all(int directory, struct settings *settings, const char *listen_where,
	const char *store, char complaint[REASON_SIZE])
{
	int r = read_settings(directory, settings, complaint);

	if (r == 0)
		r = override(settings, "gateway.listen", listen_where, complaint);
	if (r == 0)
		r = override(settings, "gateway.store", store, complaint);
	return r;
}

/* "127.0.0.1:8443", "[::1]:8443" */
static int split_listen(const char *text, char host[64], char port[8])
{
	const char *colon = strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']')
		text++, len -= 2;
	if (colon == NULL || len == 0 || text_copy_len(host, 64, text, len) < 0)
		return -ERR_MALFORMED;
	return text_copy(port, 8, colon + 1);
}

static int listen_tcp(const char *where, char complaint[REASON_SIZE])
{
	char host[64], port[8];
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM },
			*found;
	int on = 1;

	if (split_listen(where, host, port) < 0 || getaddrinfo(host, port, &hints, &found) != 0)
		return word(
			complaint, where, "not an address:port, as in 127.0.0.1:8443 or [::]:443");
	CLEANUP(fd_closep)
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -1 : 0;
	if (r == 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		r = bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ? -1
											       : 0;
	}
	int saved = errno;
	freeaddrinfo(found);
	return r < 0 ? word(complaint, where, strerror(saved)) : STEAL_FD(fd);
}

/* The path of a socket is short (108 bytes), the path of an installation may be long. */
static int listen_control(int directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat owner;

	unlinkat(directory, "control.sock", 0);
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/control.sock",
		directory);
	CLEANUP(fd_closep)
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before = umask(0177);
	int r = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address);
	umask(before);
	if (r < 0 || listen(fd, 64) < 0)
		return complain("control.sock", strerror(errno));
	if (fstat(directory, &owner) == 0 && geteuid() == 0 &&
		fchownat(directory, "control.sock", owner.st_uid, owner.st_gid, 0) < 0)
		return complain("control.sock", strerror(errno));
	return STEAL_FD(fd);
}

/*
 * A command that found no gateway has the lock for as long as it runs: a gateway that is started
 * just then, because it died a moment ago, waits for it.
 */
static int lock(int directory)
{
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000L };
	struct stat owner;

	CLEANUP(fd_closep)
	int fd = openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return complain("lock", strerror(errno));
	/* Made by root for an ordinary user, it would keep him out tomorrow. */
	if (geteuid() == 0 &&
		(fstat(directory, &owner) < 0 || fchown(fd, owner.st_uid, owner.st_gid) < 0))
		return complain("lock", strerror(errno));
	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP_MS) {
		if (waited >= LOCK_WAIT_MS)
			return complain("this installation", "a gateway is already running on it");
		nanosleep(&step, NULL);
	}
	return STEAL_FD(fd);
}

static int open_parts(struct place *place, bool offline)
{
	int d = place->directory;

	place->vault = open_at(d, "vault", O_RDONLY | O_DIRECTORY);
	place->store = open_at(d, "store", O_RDONLY | O_DIRECTORY);
	place->recordings = open_at(d, "recordings", O_RDONLY | O_DIRECTORY);
	if (place->vault < 0 || place->store < 0 || place->recordings < 0)
		return -ERR_SYSTEM;
	if (offline)
		return 0;
	place->tls_cert = open_at(d, "tls/cert.pem", O_RDONLY);
	place->tls_key = open_at(d, "tls/key.pem", O_RDONLY);
	return place->tls_cert < 0 || place->tls_key < 0 ? -ERR_SYSTEM : 0;
}

/* The service manager's socket goes before an address: it may be a port that we could not bind. */
static int listen_where_told(const char *where, char complaint[REASON_SIZE])
{
	int fd = manager_listener();

	if (fd == -ERR_NOT_FOUND)
		return listen_tcp(where, complaint);
	if (fd < 0)
		return word(
			complaint, "the service manager's socket", "not one listening TCP socket");
	return fd;
}

int place_open(struct place *place, const char *directory, struct settings *settings, bool offline,
	const char *listen_where, const char *store)
{
	char complaint[REASON_SIZE];
	int *all[PLACE_COUNT];

	place_list(place, all);
	for (unsigned i = 0; i < PLACE_COUNT; i++)
		*all[i] = -1;
	place->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->directory < 0)
		return complain(directory,
			errno == ENOENT ? "no such directory; make one with: sallyport init"
					: strerror(errno));
	if ((place->lock = lock(place->directory)) < 0)
		return -ERR_SYSTEM;
	if (read_all(place->directory, settings, listen_where, store, complaint) < 0)
		return say(complaint);
	/* Now: who owns the installation, and is who we may become, need not be able to. */
	place->root_key = credential_open(CREDENTIAL_ROOT_KEY);
	place->root_key_next = credential_open(CREDENTIAL_ROOT_KEY_NEXT);
	place->token_pin = credential_open(CREDENTIAL_TOKEN_PIN);
	int r = open_parts(place, offline);
	if (r == 0 && !offline) {
		r = place->listen = listen_where_told(settings->gateway_listen, complaint);
		if (r < 0)
			return say(complaint);
	}
	if (r >= 0)
		r = place->control = listen_control(place->directory);
	return r < 0 ? r : 0;
}

/* What running processes stand on cannot change under them. */
static int check_unchanged(const struct settings *old, const struct settings *fresh, bool root,
	char complaint[REASON_SIZE])
{
	static const char why[] = "cannot change while the gateway runs; stop and start it";

	if (strcmp(old->gateway_store, fresh->gateway_store) != 0)
		return word(complaint, "gateway.store", why);
	if (root && old->gateway_uid_base != fresh->gateway_uid_base)
		return word(complaint, "gateway.uid_base", why);
	return 0;
}

static int open_again(int directory, const char *name, int *ret_fd, char complaint[REASON_SIZE])
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return word(complaint, name, strerror(errno));
	*ret_fd = fd;
	return 0;
}

int place_renew(const struct supervisor *supervisor, bool living, struct settings *ret_settings,
	struct place *ret_place, char complaint[REASON_SIZE])
{
	const struct place *old = &supervisor->place;
	const struct settings *before = &supervisor->settings;
	int r = read_all(old->directory, ret_settings, supervisor->options.listen,
		supervisor->options.store, complaint);

	*ret_place = *old;
	if (r == 0 && living)
		r = check_unchanged(before, ret_settings, supervisor->root, complaint);
	if (r == 0)
		r = open_again(old->directory, "tls/cert.pem", &ret_place->tls_cert, complaint);
	if (r == 0)
		r = open_again(old->directory, "tls/key.pem", &ret_place->tls_key, complaint);
	if (r == 0 && !manager_listens() &&
		strcmp(before->gateway_listen, ret_settings->gateway_listen) != 0) {
		int fd = listen_tcp(ret_settings->gateway_listen, complaint);
		if (fd >= 0)
			ret_place->listen = fd;
		r = fd < 0 ? fd : 0;
	}
	if (r < 0)
		place_drop_fresh(old, ret_place);
	return r;
}

void place_drop_fresh(const struct place *old, struct place *fresh)
{
	const int kept[] = { old->tls_cert, old->tls_key, old->listen };
	int *const opened[] = { &fresh->tls_cert, &fresh->tls_key, &fresh->listen };

	for (unsigned i = 0; i < ARRAY_LEN(kept); i++) {
		if (*opened[i] != kept[i])
			fd_closep(opened[i]);
		*opened[i] = kept[i];
	}
}

/* A directory and the plain files in it; deeper than that nothing of ours lies. */
static int own(int directory, unsigned uid)
{
	struct stat stat;

	if (fstat(directory, &stat) < 0 || fchown(directory, uid, uid) < 0)
		return -ERR_SYSTEM;
	DIR *list = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (list == NULL)
		return -ERR_SYSTEM;
	for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
		if (fstatat(directory, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(stat.st_mode) && stat.st_uid != uid && stat.st_nlink == 1 &&
			fchownat(directory, entry->d_name, uid, uid, AT_SYMLINK_NOFOLLOW) < 0)
			complain(entry->d_name, strerror(errno));
	}
	closedir(list);
	return 0;
}

int place_own(const struct place *place, const struct settings *settings)
{
	unsigned base = (unsigned)settings->gateway_uid_base;

	if (own(place->store, base + 2) < 0 || own(place->vault, base + 3) < 0 ||
		own(place->recordings, base + 4) < 0)
		return complain(
			"the installation's directories", "cannot be given to the processes");
	return 0;
}

int place_become_owner(const struct place *place)
{
	struct stat owner;

	if (geteuid() != 0)
		return 0;
	if (fstat(place->directory, &owner) < 0)
		return complain("the installation's directory", strerror(errno));
	if (owner.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(owner.st_gid, owner.st_gid, owner.st_gid) < 0 ||
		setresuid(owner.st_uid, owner.st_uid, owner.st_uid) < 0 || setuid(0) == 0)
		return complain("the owner of the installation", "cannot become that user");
	/* The kernel reset the first with the uid; the second keeps set-uid programs powerless. */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 1;
}

void place_list(struct place *place, int *out[PLACE_COUNT])
{
	int *const all[] = { &place->directory, &place->lock, &place->vault, &place->store,
		&place->recordings, &place->root_key, &place->root_key_next, &place->token_pin,
		&place->tls_cert, &place->tls_key, &place->listen, &place->control };

	_Static_assert(sizeof all == PLACE_COUNT * sizeof all[0] &&
			       sizeof *place == PLACE_COUNT * sizeof(int),
		"all of them");
	memcpy(out, all, sizeof all);
}

void place_close(struct place *place)
{
	int *all[PLACE_COUNT];

	if (place->directory >= 0 && place->control >= 0)
		unlinkat(place->directory, "control.sock", 0);
	place_list(place, all);
	for (unsigned i = 0; i < PLACE_COUNT; i++)
		fd_closep(all[i]);
}
