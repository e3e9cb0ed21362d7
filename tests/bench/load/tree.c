/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process and all below it have used. CPU: of the living from schedstat, in nanoseconds, and
 * what ended children left with their parents. Memory: private pages (USS) and proportional (PSS).
 */
#include "load.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX 65536
#define PID_MOST (1 << 22) /* the kernel's own ceiling */

struct process {
	pid_t pid, parent;
	uint64_t ended_us; /* CPU of its children that ended */
	bool inside;
};

static size_t read_file(const char *name, char *text, size_t size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 0;

	while (fd >= 0 && len < size - 1 && (got = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)got;
	if (fd >= 0)
		close(fd);
	text[len] = '\0';
	return len;
}

static bool read_stat(pid_t pid, struct process *ret_process)
{
	char name[64], text[2048], *at;
	long ticks = sysconf(_SC_CLK_TCK), fields[14] = { 0 };

	snprintf(name, sizeof name, "/proc/%d/stat", pid);
	if (read_file(name, text, sizeof text) == 0 || (at = strrchr(text, ')')) == NULL)
		return false;
	at += 3; /* past ") S": numbers from here, parent first; 13th and 14th is what ended
		    children used */
	for (int i = 0; i < 14; i++)
		fields[i] = strtol(at, &at, 10);
	*ret_process = (struct process){ pid, (int)fields[0],
		(uint64_t)(fields[12] + fields[13]) * 1000000 / (uint64_t)ticks, false };
	return true;
}

static size_t all_processes(struct process *processes)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;

	if (directory == NULL)
		die("no /proc");
	while (count < PROCESSES_MAX && (entry = readdir(directory)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) &&
			read_stat((pid_t)strtol(entry->d_name, NULL, 10), &processes[count]))
			count++;
	closedir(directory);
	return count;
}

static void mark(struct process *processes, size_t count, pid_t root)
{
	static bool inside[PID_MOST + 1];
	bool again = true;

	memset(inside, 0, sizeof inside);
	inside[root] = true;
	while (again) {
		again = false;
		for (size_t i = 0; i < count; i++)
			if (inside[processes[i].parent] && !inside[processes[i].pid])
				inside[processes[i].pid] = again = true;
	}
	for (size_t i = 0; i < count; i++)
		processes[i].inside = inside[processes[i].pid];
}

static uint64_t threads_cpu(pid_t pid)
{
	char name[300], text[128];
	uint64_t sum = 0;
	struct dirent *entry;
	DIR *directory;

	snprintf(name, sizeof name, "/proc/%d/task", pid);
	directory = opendir(name);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		snprintf(name, sizeof name, "/proc/%d/task/%s/schedstat", pid, entry->d_name);
		if (isdigit((unsigned char)entry->d_name[0]) &&
			read_file(name, text, sizeof text) > 0)
			sum += strtoull(text, NULL, 10) / 1000;
	}
	if (directory != NULL)
		closedir(directory);
	return sum;
}

static uint64_t field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

static void add_memory(pid_t pid, struct tree *tree)
{
	char name[64], text[4096];

	snprintf(name, sizeof name, "/proc/%d/smaps_rollup", pid);
	if (read_file(name, text, sizeof text) == 0)
		tree->memory_known = false;
	tree->uss_kib += field(text, "Private_Clean:") + field(text, "Private_Dirty:");
	tree->pss_kib += field(text, "Pss:");
	snprintf(name, sizeof name, "/proc/%d/status", pid);
	read_file(name, text, sizeof text);
	tree->tables_kib += field(text, "VmPTE:");
}

void tree_measure(pid_t root, bool without_root, bool memory, struct tree *ret_tree)
{
	static struct process processes[PROCESSES_MAX];
	size_t count = all_processes(processes);
	struct tree tree = { .memory_known = memory };

	mark(processes, count, root);
	for (size_t i = 0; i < count; i++) {
		const struct process *process = &processes[i];

		if (!process->inside || (without_root && process->pid == root))
			continue;
		tree.processes++;
		tree.cpu_us += process->ended_us + threads_cpu(process->pid);
		if (memory)
			add_memory(process->pid, &tree);
	}
	*ret_tree = tree;
}

int mode_tree(int count, char **arguments)
{
	struct tree tree;

	tree_measure((pid_t)strtol(arguments[0], NULL, 10), strcmp(arguments[1], "without") == 0,
		true, &tree);
	printf("{\"cpu_us\":%llu,\"processes\":%u,\"memory_known\":%s,\"uss_kib\":%llu,\"pss_kib\":"
	       "%llu,"
	       "\"tables_kib\":%llu}\n",
		(unsigned long long)tree.cpu_us, tree.processes,
		tree.memory_known ? "true" : "false", (unsigned long long)tree.uss_kib,
		(unsigned long long)tree.pss_kib, (unsigned long long)tree.tables_kib);
	return 0;
}
