/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define PATIENCE 2000 /* times 10 ms */

char *stage_stand_in;

void stage_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

void stage_open(struct stage *stage)
{
	static const char *const programs[] = { "sallyport-vault", "sallyport-token",
		"sallyport-recorder", "sallyport-witness", "sallyport-broker", "sallyport-front",
		"sallyport-worker-reports", "sallyport-worker-executed", "sallyport-worker-waits",
		"sallyport-service-reports" };
	static const char *const directories[] = { "bin", "plan", "data", "data/vault",
		"data/store", "data/recordings", "data/tls" };
	char path[96];

	text_copy(stage->directory, sizeof stage->directory, "/tmp/sallyport-stage-XXXXXX");
	assert_non_null(mkdtemp(stage->directory));
	assert_int_equal(chmod(stage->directory, 0755), 0);
	assert_int_equal(chdir(stage->directory), 0);
	for (unsigned i = 0; i < ARRAY_LEN(directories); i++)
		assert_int_equal(mkdir(directories[i], 0755), 0);
	snprintf(stage->bin, sizeof stage->bin, "%s/bin", stage->directory);
	for (unsigned i = 0; i < ARRAY_LEN(programs); i++) {
		snprintf(path, sizeof path, "bin/%s", programs[i]);
		assert_int_equal(symlink(stage_stand_in, path), 0);
	}
	stage_file("data/sallyport.conf", "[gateway]\nlisten = 127.0.0.1:0\n", 0644);
	stage_file("data/tls/cert.pem", "certificate", 0644);
	stage_file("data/tls/key.pem", "key", 0600);
	stage_file("story", "", 0666);
	assert_int_equal(chmod("story", 0666), 0);
}

static int take_away(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	return remove(path);
}

void stage_close(struct stage *stage)
{
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(nftw(stage->directory, take_away, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void stage_plan(const char *program, const char *word)
{
	char path[96];

	snprintf(path, sizeof path, "plan/%s", program);
	stage_file(path, word, 0644);
}

void stage_story(char out[STORY_SIZE])
{
	int fd = open("story", O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, out, STORY_SIZE - 1);

	close(fd);
	assert_true(got >= 0);
	out[got] = '\0';
}

bool stage_told(const char *line)
{
	char story[STORY_SIZE];

	for (int i = 0; i < PATIENCE; i++) {
		stage_story(story);
		if (strstr(story, line) != NULL)
			return true;
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	print_message("no \"%s\" in:\n%s", line, story);
	return false;
}

unsigned stage_count(const char *line)
{
	char story[STORY_SIZE];
	unsigned count = 0;

	stage_story(story);
	for (const char *at = story; (at = strstr(at, line)) != NULL; at++)
		count++;
	return count;
}

size_t stage_moment(const char *line)
{
	char story[STORY_SIZE];

	stage_story(story);
	const char *found = strstr(story, line);
	if (found == NULL)
		fail_msg("no \"%s\" in:\n%s", line, story);
	return (size_t)(found - story);
}
