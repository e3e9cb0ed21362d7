/* SPDX-License-Identifier: Apache-2.0 */
/* Credential policies. */
#include "ctl/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/hours.h"
#include "base/mem.h"

#define PARAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ZONES "/usr/share/zoneinfo/"

/*
 * The rule is the last line of a zone's file (RFC 9636 section 3.3). The gateway has no files but
 * its own: it gets the rule beside the name, as it is in force now.
 */
static int zone_rule(const char *zone, char ret_rule[HOURS_ZONE_SIZE])
{
	char path[sizeof ZONES + HOURS_ZONE_SIZE], end[HOURS_ZONE_SIZE + 2] = "";

	if (zone[0] == '/' || strstr(zone, "..") != NULL ||
		snprintf(path, sizeof path, ZONES "%s", zone) >= (int)sizeof path)
		return -ENOENT;
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	off_t size = lseek(fd, 0, SEEK_END), from = size - (off_t)(sizeof end - 1);
	ssize_t len = pread(fd, end, sizeof end - 1, from > 0 ? from : 0);
	if (len < 3 || end[len - 1] != '\n')
		return -EINVAL;
	end[len - 1] = '\0';
	const char *line = memrchr(end, '\n', (size_t)len - 1);
	if (line == NULL || text_copy(ret_rule, HOURS_ZONE_SIZE, line + 1) < 0 ||
		!hours_rule_fits(ret_rule))
		return -EINVAL;
	return 0;
}

static int policy_set(struct cli *cli)
{
	const char *zone = cli_option(cli, "zone", 0);
	char rule[HOURS_ZONE_SIZE];

	if (zone != NULL) {
		if (zone_rule(zone, rule) < 0)
			return cli_fail("%s: no such time zone", zone);
		if (cli_param(cli, "zone_rule", rule) != CLI_OK)
			return CLI_FAILED;
	}
	return run_endpoint(cli);
}

static const struct option_row options[] = {
	{ "simultaneous-sessions", "simultaneous_sessions", OPTION_TEXT, "yes|no",
		"no: one session at a time with each credential; yes unless said" },
	{ "simultaneous-viewing", "simultaneous_viewing", OPTION_TEXT, "yes|no",
		"yes: a secret may be shown while another holds it; no unless said" },
	{ "view-expiry", "view_expiry", OPTION_TEXT, "MINUTES",
		"how long whoever was shown a secret holds it; 0, unless said: an hour" },
	{ "days", "days", OPTION_TEXT, "mon-fri,sun|all", "on which days; all unless said" },
	{ "hours", "hours", OPTION_TEXT, "08:00-18:00|all",
		"between which times; a later one first: over midnight" },
	{ "zone", "zone", OPTION_TEXT, "Europe/Lisbon",
		"whose days and times; UTC unless said. Its rule is the one in force now: edit "
		"again "
		"when a country changes it" },
	{ "priority", "priority", OPTION_TEXT, "NUMBER",
		"of several whose masks fit the highest counts; 0 unless said" },
	{ "username-mask", "username_mask", OPTION_TEXT, "PATTERN",
		"credentials it holds for, as adm*; without a mask: those it is assigned to" },
	{ "device-mask", "device_mask", OPTION_TEXT, "PATTERN",
		"devices it holds for; with both masks both must fit" },
	{ 0 },
};

const struct command command_policy_add = {
	.words = "policy add",
	.takes = "NAME",
	.sentence = "Say when and how credentials may be used",
	.method = "POST",
	.path = "policy/add",
	.params = PARAMS("name"),
	.done = "Policy %s added.",
	.options = options,
	.run = policy_set,
};
const struct command command_policy_edit = {
	.words = "policy edit",
	.takes = "NAME",
	.sentence = "Change a policy; what is not named stays",
	.method = "POST",
	.path = "policy/edit",
	.params = PARAMS("name"),
	.done = "Policy %s edited.",
	.options = options,
	.run = policy_set,
};
const struct command command_policy_list = {
	.words = "policy list",
	.takes = "",
	.sentence = "List the policies, the weightiest first",
	.method = "GET",
	.path = "policy/list",
	.columns = (const struct column[]){ { "NAME", "name" }, { "PRIORITY", "priority" },
		{ "SESSIONS", "simultaneous_sessions" }, { "DAYS", "days" }, { "HOURS", "hours" },
		{ "ZONE", "zone" }, { "USERNAMES", "username_mask" }, { "DEVICES", "device_mask" },
		{ 0 } },
};
const struct command command_policy_assign = {
	.words = "policy assign",
	.takes = "NAME|none",
	.sentence = "Put credentials under a policy, whatever the masks say",
	.method = "POST",
	.path = "policy/assign",
	.params = PARAMS("name"),
	.done = "Policy %s assigned.",
	.options = credentials_options,
};
