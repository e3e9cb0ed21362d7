/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../store/fixture.h"
#include "api/endpoints.h"
#include "broker/call.h"
#include "broker/ending.h"
#include "broker/renewal.h"
#include "broker/rotation.h"
#include "broker/vault.h"

/*
 * A broker without a gateway around it: the real store, and a dispatcher, vault and probe that note
 * what they were asked. One call at a time.
 */
struct broker {
	struct fixture *fixture;
	struct identity sealed_as[4]; /* what the vault was asked to seal, in order */
	enum secret_kind sealed_kind[4];
	unsigned sealed;
	char secret[64];  /* what it read */
	int vault_result; /* negative: it refuses */
	uint32_t key_version;
	struct msg_vault_state vault, said; /* as it is, and as it was when a call waited for it */
	struct rotation_progress progress;
	int progress_result;
	char opened[SESSION_ID_SIZE];    /* the recording whose key was asked for */
	bool opened_secrets;             /* and whether it was the second one */
	const struct msg_probe *probe;   /* what the target shows */
	struct msg_reload_answer reload; /* what the supervisor says */
	int forced;                      /* how it was asked: 0, 1; -1: not at all */
	struct msg_generations generations;
	char ended_because[REASON_SIZE]; /* the last reason sessions were ended for */
};

struct broker fake_broker(void **state);
/*
 * Calls an endpoint with (name, value) pairs that end with NULL, checks the parameters against its
 * fields as the dispatcher does, and returns its result. What it wrote is in the broker's answer
 * until the next call.
 */
int fake_call(struct broker *broker, const struct endpoint *endpoint, ...)
	__attribute__((sentinel));
void fake_fds(int in, int out); /* of the next call */
/*
 * A value of the answer's one member by its path, "0.credentials.1": texts decoded, everything else
 * as it stands ("null", "42"); NULL when it is not there. Good until many more were asked for.
 */
const char *fake_at(const char *path);
long long fake_number(const char *path);
unsigned fake_count(void);     /* elements of the member, an array or an object */
const char *fake_entity(void); /* its text */
const char *fake_audit(void);  /* the audit row's detail, the same ways */
const char *fake_audit_at(const char *path);
long long fake_audit_number(const char *path);
const char *fake_object(void);
const char *fake_message(void); /* of call_fail() */
const char *fake_detail(void);
int fake_pipe_with(const char *text); /* a descriptor that reads as this text */

/* Ends a test's fakes; then fixture_close(). */
int fake_close(void **state);
#define API_CASE(function) cmocka_unit_test_setup_teardown(function, fixture_open, fake_close)
