/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <stdlib.h>

#include "supervisor/outside.c"

struct scene {
	struct stage stage;
	struct outside outside;
	struct settings settings;
	int data;
	char said[REASON_SIZE];
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	stage_open(&scene->stage);
	settings_defaults(&scene->settings);
	outside_init(&scene->outside);
	scene->data = open("data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	outside_close(&scene->outside);
	close(scene->data);
	stage_close(&scene->stage);
	free(scene);
	return 0;
}

static int try_open(struct scene *scene, unsigned uid)
{
	outside_close(&scene->outside);
	return outside_open(&scene->outside, scene->data, &scene->settings, uid, scene->said);
}

#define SET(scene, name, value)                                                                    \
	text_copy((scene)->settings.name, sizeof(scene)->settings.name, value)

static void nothing_is_opened_for_nobody(void **state)
{
	struct scene *scene = *state;

	assert_false(witness_wanted(&scene->settings));
	assert_int_equal(try_open(scene, 0), 0);
	assert_int_equal(scene->outside.own, -1);
	assert_int_equal(faccessat(scene->data, "witness", F_OK, 0), -1);
}

static void what_a_setting_asks_for(void **state)
{
	struct scene *scene = *state;
	struct stat stat;

	SET(scene, audit_mirror, "disk/audit.jsonl");
	assert_true(witness_wanted(&scene->settings));
	assert_int_equal(try_open(scene, 0), 0);
	assert_true(scene->outside.own >= 0 && scene->outside.mirror >= 0);
	assert_int_equal(scene->outside.file, -1);
	assert_int_equal(scene->outside.authorities, -1);
	assert_int_equal(scene->outside.key, -1);
	assert_int_equal(fstatat(scene->data, "disk", &stat, 0), 0);
	assert_int_equal(stat.st_mode & 07777, 0750);
	assert_int_equal(try_open(scene, 0), 0); /* it is there by now */
	assert_true(fcntl(scene->outside.mirror, F_GETFD) & FD_CLOEXEC);
	SET(scene, witness_file, "/tmp/heads.jsonl");
	assert_int_equal(try_open(scene, 0), 0);
	assert_true(scene->outside.file >= 0);
	SET(scene, audit_mirror, "audit.jsonl"); /* beside everything else */
	assert_int_equal(try_open(scene, 0), 0);
	SET(scene, audit_mirror, "/audit.jsonl");
	assert_int_equal(try_open(scene, 0), 0);
}

static void what_cannot_be(void **state)
{
	struct scene *scene = *state;

	SET(scene, audit_mirror, "no/such/place/audit.jsonl");
	assert_true(try_open(scene, 0) < 0);
	assert_string_equal(scene->said, "no/such/place: No such file or directory");
	assert_int_equal(scene->outside.own, -1);
	SET(scene, audit_mirror, "disk/");
	assert_true(try_open(scene, 0) < 0);
	assert_string_equal(scene->said, "audit.mirror: names a directory, not a file");
	SET(scene, audit_mirror, "disk/one");
	SET(scene, witness_file, "disk/one");
	assert_true(try_open(scene, 0) < 0);
	assert_string_equal(scene->said, "audit.mirror and witness.file: must be two files");
}

static void files_that_are_read_once(void **state)
{
	struct scene *scene = *state;

	stage_file("data/ca.pem", "a certificate", 0644);
	stage_file("data/key", "sixteen bytes or more", 0644);
	SET(scene, witness_webhook, "https://siem.example/");
	SET(scene, witness_authorities, "ca.pem");
	SET(scene, witness_webhook_key, "nonesuch");
	assert_true(try_open(scene, 0) < 0);
	assert_string_equal(
		scene->said, "witness.webhook_key: nonesuch: No such file or directory");
	SET(scene, witness_webhook_key, "key");
	assert_true(try_open(scene, 0) < 0);
	assert_string_equal(
		scene->said, "witness.webhook_key: everybody can read the file: chmod 600");
	assert_int_equal(chmod("data/key", 0640), 0);
	assert_int_equal(try_open(scene, 0), 0);
	assert_true(scene->outside.key >= 0 && scene->outside.authorities >= 0);
	SET(scene, witness_authorities, "nonesuch");
	assert_true(try_open(scene, 0) < 0);
	/* plain syslog needs neither */
	SET(scene, witness_webhook, "");
	SET(scene, witness_syslog, "tcp://logs.example");
	assert_int_equal(try_open(scene, 0), 0);
	assert_int_equal(scene->outside.authorities, -1);
	SET(scene, witness_syslog, "tls://logs.example");
	assert_true(try_open(scene, 0) < 0);
}

/* As root the directories are the witness's, or it could begin no file in them. */
static void whose_directories(void **state)
{
	struct scene *scene = *state;
	struct stat stat;

	if (geteuid() != 0) {
		print_message("skip: wants root, to give directories away\n");
		return;
	}
	SET(scene, audit_mirror, "disk/audit.jsonl");
	assert_int_equal(try_open(scene, 61806), 0);
	assert_int_equal(fstatat(scene->data, "disk", &stat, 0), 0);
	assert_int_equal(stat.st_uid, 61806);
	assert_int_equal(fstatat(scene->data, "witness", &stat, 0), 0);
	assert_int_equal(stat.st_uid, 61806);
	assert_int_equal(try_open(scene, 61806), 0);
	assert_true(try_open(scene, 70000) < 0);
	assert_string_equal(
		scene->said, "witness: must belong to user id 70000, who appends to a file in it");
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SCENE(nothing_is_opened_for_nobody),
		SCENE(what_a_setting_asks_for),
		SCENE(what_cannot_be),
		SCENE(files_that_are_read_once),
		SCENE(whose_directories),
	};

	stage_stand_in = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
