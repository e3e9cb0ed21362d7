/* SPDX-License-Identifier: Apache-2.0 */
#include "store/way.c"

#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

static void a_password_is_no_part_of_an_address(void **state)
{
	(void)state;
	assert_int_equal(way_check("postgresql://gate@db.example/gate"), 0);
	assert_int_equal(way_check("postgres://gate@db.example/gate?sslmode=disable"), 0);
	assert_int_equal(way_check("postgresql://gate:secret@db.example/gate"), -ERR_MALFORMED);
	assert_int_equal(
		way_check("postgresql://gate@db.example/gate?password=secret"), -ERR_MALFORMED);
	assert_int_equal(
		way_check("postgresql://gate@db.example/gate?sslpassword=secret"), -ERR_MALFORMED);
	assert_int_equal(way_check("postgresql://gate@db/gate?nonsense=1"), -ERR_MALFORMED);
}

static const char *said(const struct way *way, const char *name)
{
	struct parameters parameters;
	const char *value = NULL;

	fill(way, &parameters);
	for (unsigned i = 0; i < parameters.count; i++)
		if (strcmp(parameters.names[i], name) == 0)
			value = parameters.values[i];
	return value;
}

/* Nobody listens there: what was found is known all the same. */
static void what_the_address_leaves_out_is_found(void **state)
{
	char directory[] = "/tmp/sallyport-way-XXXXXX", file[64];
	struct way *way;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(file, sizeof file, "%s/pgpass", directory);
	FILE *out = fopen(file, "w");
	assert_non_null(out);
	fputs("*:*:other:gate:wrong\n*:*:facts:gate:from a file\n", out);
	fclose(out);
	assert_int_equal(chmod(file, 0600), 0);
	assert_int_equal(way_find("postgresql://gate@127.0.0.1:1/facts", directory, &way), 0);
	assert_string_equal(said(way, "user"), "gate");
	assert_string_equal(said(way, "password"), "from a file");
	assert_string_equal(said(way, "hostaddr"), "127.0.0.1");
	assert_string_equal(said(way, "sslmode"), "verify-full");
	assert_string_equal(said(way, "gssencmode"), "disable");
	assert_int_equal(way_take_root(way), -1);
	way_destroy(way);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(directory), 0);
}

/* A socket is reached by the root it lies in, whoever is allowed to change his root. */
static void a_socket_lies_in_the_new_root(void **state)
{
	char directory[] = "/tmp/sallyport-way-XXXXXX", where[128];
	struct way *way;
	struct stat mine, given;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(where, sizeof where, "postgresql://gate@/facts?host=%s", directory);
	assert_int_equal(way_find(where, ".", &way), 0);
	assert_null(said(way, "host"));
	int fd = way_take_root(way);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &given), 0);
	assert_int_equal(stat(directory, &mine), 0);
	assert_int_equal(mine.st_ino, given.st_ino);
	close(fd);
	assert_string_equal(said(way, "host"), "/");
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(way_take_root(way), -1);
	way_destroy(way);
	way_destroy(NULL);
}

static void addresses_have_their_bounds(void **state)
{
	char long_one[2 * URL_SIZE] = "postgresql://gate@db.example/";
	char directory[2 * PATH_SIZE];
	struct way *way = NULL;

	(void)state;
	memset(long_one + strlen(long_one), 'x', URL_SIZE);
	assert_int_equal(way_find(long_one, ".", &way), -ERR_TOO_LARGE);
	memset(directory, 'x', sizeof directory);
	directory[PATH_SIZE] = '\0';
	assert_int_equal(way_find("postgresql://gate@/facts", directory, &way), -ERR_TOO_LARGE);
	assert_null(way);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_is_no_part_of_an_address),
		cmocka_unit_test(what_the_address_leaves_out_is_found),
		cmocka_unit_test(a_socket_lies_in_the_new_root),
		cmocka_unit_test(addresses_have_their_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
