/* SPDX-License-Identifier: Apache-2.0 */
#include "store/way.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/pq.h"

#define PATH_SIZE 4096
#define PARAMETERS_MAX 24

struct way {
	char where[URL_SIZE], passfile[PATH_SIZE], authority[PATH_SIZE];
	PGconn *found; /* a connection that was begun: it knows address, user and password */
	bool rooted;   /* the socket lies in what is our root now */
};

struct parameters {
	unsigned count;
	const char *names[PARAMETERS_MAX + 1], *values[PARAMETERS_MAX + 1];
};

static void put(struct parameters *parameters, const char *name, const char *value)
{
	parameters->names[parameters->count] = name;
	parameters->values[parameters->count++] = value;
}

/* What stands before the URL is a default, what stands behind it goes before what the URL says. */
static void fill(const struct way *way, struct parameters *parameters)
{
	*parameters = (struct parameters){ 0 };
	put(parameters, "sslmode", "verify-full");
	put(parameters, "sslrootcert", way->authority);
	put(parameters, "passfile", way->passfile);
	put(parameters, "dbname", way->where);
	put(parameters, "gssencmode", "disable");
	put(parameters, "client_encoding", "UTF8");
	put(parameters, "application_name", "sallyport");
	put(parameters, "tcp_user_timeout", "1500");
	put(parameters, "keepalives_idle", "5");
	put(parameters, "keepalives_interval", "1");
	put(parameters, "keepalives_count", "2");
	if (way->found == NULL)
		return;
	put(parameters, "user", PQuser(way->found));
	put(parameters, "password", PQpass(way->found));
	if (way->rooted)
		put(parameters, "host", "/");
	else if (PQhost(way->found)[0] != '/' && PQhostaddr(way->found)[0] != '\0')
		put(parameters, "hostaddr", PQhostaddr(way->found));
}

int way_complain(const PGconn *connection)
{
	char words[256];

	size_t len = strcspn(PQerrorMessage(connection), "\n");

	text_copy_len(words, sizeof words, PQerrorMessage(connection), MIN(len, sizeof words - 1));
	log_error("store.postgresql", "%s",
		connection == NULL ? "no memory"
		: words[0] != '\0' ? words
				   : "the server does not answer");
	return -ERR_STORE_LOST;
}

static int set_paths(struct way *way, const char *where, const char *directory)
{
	if (text_copy(way->where, sizeof way->where, where) < 0 ||
		snprintf(way->passfile, PATH_SIZE, "%s/pgpass", directory) >= PATH_SIZE ||
		snprintf(way->authority, PATH_SIZE, "%s/root.crt", directory) >= PATH_SIZE)
		return -ERR_TOO_LARGE;
	return 0;
}

struct pg_conn *way_begin(const struct way *way)
{
	struct parameters parameters;

	fill(way, &parameters);
	return PQconnectStartParams(parameters.names, parameters.values, 1);
}

/* What lies in the address is shown by ps, and by everybody who shows a setting. */
int way_check(const char *where)
{
	char *why = NULL;

	if (pq_load() < 0)
		return -ERR_SYSTEM;
	PQconninfoOption *options = PQconninfoParse(where, &why);
	int r = options != NULL ? 0 : -ERR_MALFORMED;

	if (r < 0)
		log_error("store.postgresql", "%.200s", why != NULL ? why : "no memory");
	for (const PQconninfoOption *option = options; r == 0 && option->keyword != NULL; option++)
		if (option->val != NULL && strstr(option->keyword, "password") != NULL) {
			log_error("store.postgresql", "a password belongs into the file pgpass, "
						      "not into the address");
			r = -ERR_MALFORMED;
		}
	PQconninfoFree(options);
	PQfreemem(why);
	return r;
}

int way_find(const char *where, const char *directory, struct way **ret_way)
{
	struct way *way = calloc(1, sizeof *way);

	if (way == NULL)
		return -ERR_SYSTEM;
	int r = way_check(where);
	if (r == 0)
		r = set_paths(way, where, directory);
	if (r == 0) {
		way->found = way_begin(way);
		/* Whether the server is there is asked later; what it is called must be known. */
		if (way->found == NULL || PQuser(way->found) == NULL || PQhost(way->found) == NULL)
			r = way_complain(way->found);
	}
	if (r < 0) {
		way_destroy(way);
		return r;
	}
	*ret_way = way;
	return 0;
}

int way_take_root(struct way *way)
{
	if (PQhost(way->found)[0] != '/')
		return -1;
	int fd = open(PQhost(way->found), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	way->rooted = fd >= 0;
	if (fd < 0)
		log_error("store.postgresql", "%s: %s", PQhost(way->found), strerror(errno));
	return fd;
}

void way_destroy(struct way *way)
{
	if (way == NULL)
		return;
	PQfinish(way->found);
	mem_wipe(way, sizeof *way);
	free(way);
}
