/* SPDX-License-Identifier: Apache-2.0 */
/* status: how the gateway is, for people and for monitoring. */
#include <stdio.h>

#include "api/control.h"
#include "api/endpoints.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/version.h"
#include "broker/ending.h"
#include "broker/renewal.h"
#include "broker/rotation.h"
#include "broker/vault.h"
#include "broker/witness.h"

static const struct field fields[] = { {} };

static const char *word_of(const char *const *words, unsigned count, unsigned at)
{
	return at < count ? words[at] : "unknown";
}

/* What opens it, and what an administrator must bring. */
static void write_source(struct json *json, const struct msg_vault_state *state)
{
	static const char *const sources[] = { "unknown", "root-key", "passphrase",
		"systemd-credential", "pkcs11" };
	static const char *const wants[] = { "nothing", "passphrase", "pin" };
	json_text(json, "source", word_of(sources, ARRAY_LEN(sources), state->source));
	json_text(json, "wants", word_of(wants, ARRAY_LEN(wants), state->wants));
	if (state->sealed) {
		json_text(json, "why", error_name(state->why));
		json_text(json, "reason", error_text(state->why));
		json_number(json, "wait_seconds", (state->wait_ms + 999) / 1000);
	}
}

static void write_rotation(struct json *json, const struct rotation_progress *progress)
{
	json_open_object(json, "rotation");
	json_bool(json, "going", progress->going);
	json_number(json, "left", progress->left);
	json_number(json, "stuck", progress->stuck);
	json_close_object(json);
}

static int write_vault(struct json *json, struct broker *broker)
{
	struct msg_vault_state state;
	struct rotation_progress progress;
	int answered = vault_status(broker, &state);
	int r = rotation_progress(broker, &progress);
	if (r < 0)
		return r;
	json_open_object(json, "vault");
	json_bool(json, "reachable", answered == 0);
	/* a vault that does not answer opens nothing */
	json_bool(json, "sealed", answered < 0 || state.sealed != 0);
	if (answered == 0) {
		json_number(json, "key_version", state.key_version);
		json_number(json, "oldest_key_version", state.oldest_version);
		json_number(json, "releases", state.releases);
		write_source(json, &state);
		write_rotation(json, &progress);
	}
	json_close_object(json);
	return 0;
}

static void write_figures(struct json *json, const struct figures *figures, int64_t now)
{
	json_number(json, "live", figures->live);
	json_number(json, "starting", figures->starting);
	json_number(json, "viewers", figures->viewers);
	json_number(json, "sessions_since_start", figures->sessions_since_start);
	json_number(json, "calls", figures->calls);
	json_number(json, "refused", figures->refused);
	json_time(json, "started_at", figures->started_at);
	json_number(json, "uptime_seconds", (now - figures->started_at) / 1000);
	json_open_object(json, "processes");
	json_bool(json, "front", figures->front_connected != 0);
	json_bool(json, "vault", figures->vault_connected != 0);
	json_bool(json, "recorder", figures->recorder_connected != 0);
	json_close_object(json);
}

static void write_generation(
	struct json *json, const struct broker *broker, const struct generation_row *row)
{
	json_open_object(json, NULL);
	json_number(json, "generation", row->generation);
	json_text(json, "process", party_name((enum party)row->party));
	json_text(json, "version", row->version);
	json_bool(json, "retired", row->retired != 0);
	if (row->party == PARTY_RECORDER)
		json_number(json, "sessions", renewal_sessions(broker, row->generation));
	json_close_object(json);
}

/* What runs, process by process; the older ones finish what they have. */
static void write_generations(struct json *json, const struct broker *broker)
{
	static const char *const states[] = { [RELOAD_NEVER] = "never",
		[RELOAD_UNDER_WAY] = "under way",
		[RELOAD_DONE] = "done",
		[RELOAD_FAILED] = "failed" };
	const struct msg_generations *generations = renewal_generations(broker);
	json_number(json, "generation", generations->current);
	json_time(json, "generation_since", generations->since);
	json_open_object(json, "reload");
	json_text(json, "state", word_of(states, ARRAY_LEN(states), generations->reload));
	json_text(json, "detail", generations->words);
	json_close_object(json);
	json_open_array(json, "generations");
	struct generation_row supervisor = { generations->current, PARTY_SUPERVISOR, 0, "" };
	text_copy(supervisor.version, sizeof supervisor.version, generations->version);
	write_generation(json, broker, &supervisor);
	for (unsigned i = 0; i < generations->count; i++)
		write_generation(json, broker, &generations->rows[i]);
	json_close_array(json);
}

static void write_counts(struct json *json, const struct store_counts *counts)
{
	json_number(json, "waiting", counts->sessions_created);
	json_number(json, "users", counts->users);
	json_number(json, "devices", counts->devices);
	json_number(json, "credentials", counts->credentials);
	json_number(json, "applications", counts->applications);
}

/* Where people reach the gateway; without a setting, where it listens. */
static void write_url(struct json *json, const struct settings *settings)
{
	char url[URL_SIZE + 16];
	bool said = settings->gateway_public_url[0] != '\0';
	snprintf(url, sizeof url, "%s%s", said ? "" : "https://",
		said ? settings->gateway_public_url : settings->gateway_listen);
	json_text(json, "public_url", url);
}

static int answer(struct broker *broker, struct call *call)
{
	struct figures figures;
	struct store_counts counts;
	const struct settings *settings = call_settings(call);
	int r = store_count(call_store(call), &counts);
	if (r < 0)
		return r;
	broker_figures(broker, &figures);
	struct json *json = call_json(call);
	json_open_object(json, "status");
	json_text(json, "version", gateway_version);
	json_text(json, "tenant", settings->gateway_tenant);
	write_url(json, settings);
	json_text(json, "listen", settings->gateway_listen);
	json_text(json, "store", store_kind(call_store(call)));
	write_figures(json, &figures, call_now(call));
	write_generations(json, broker);
	write_counts(json, &counts);
	r = write_vault(json, broker);
	witness_write(json, broker);
	json_close_object(json);
	return r;
}

const struct endpoint control_status = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "status",
	.need = NEED_READ,
	.fields = fields,
	.message = "Status",
	.answer = answer,
};
