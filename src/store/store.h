/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/address.h"
#include "wire/audit.h"

/*
 * Every fact that survives a restart. One typed function per question the broker asks; rows of SQL
 * in statements.def; below, a backend of six functions (backend.h). One installation is one tenant:
 * its own store, root key and processes.
 *
 * Functions return 0, or -ERR_NOT_FOUND, -ERR_EXISTS (a unique name is taken), -ERR_STORE. Times
 * are milliseconds since 1970; 0 means "never" or "not yet". Ids are row ids, from 1.
 * `keep` functions are called once per row, in order; a non-zero return ends the list and is
 * returned.
 */
struct store;

/*
 * where: "sqlite", kept in `directory`, or a postgresql:// URL whose password and authority lie in
 * `directory` (link.h). Migrates.
 */
int store_open(const char *where, const char *directory, struct store **ret_store);
/* Whether there can be a store of that name; a password in it is refused: ps shows it. */
int store_where_check(const char *where);
/*
 * For a process with walls, which cannot look up names, passwords and sockets inside of them. The
 * way is NULL for a store that needs none; root: a descriptor of the directory that must become the
 * root of who changes it, or -1.
 */
struct way;
int store_way_find(const char *where, const char *directory, struct way **ret_way);
int store_way_root(struct way *way);
int store_open_by(const struct way *way, struct store **ret_store);
void store_way_forget(struct way *way);
/*
 * Reads only, beside a running gateway or without one: migrates nothing, makes nothing, changes no
 * owner. Functions that write return -ERR_STORE. A copy of an SQLite database may have any name.
 */
int store_open_read(const char *where, const char *directory_or_file, struct store **ret_store);
/* How long a server is waited for before the store counts as lost: -ERR_STORE_LOST from then on. */
void store_patience(struct store *store, int wait_ms);
void store_close(struct store *store);
const char *store_kind(const struct store *store); /* "sqlite" */

/* A batch: every call of it runs inside one transaction, each behind its own savepoint. */
int store_begin(struct store *store);
/* Durable when it returns 0. -ERR_STORE_BROKEN, here and below: no commit can be durable any more.
 */
int store_commit(struct store *store);
/*
 * Committed, and durable when store_synced() gives this mark or a later one: until then nobody may
 * be told, while the next batch may already run.
 */
int store_commit_later(struct store *store, uint64_t *ret_mark);
int store_synced(struct store *store, bool wait, uint64_t *ret_mark); /* wait: for all of them */
int store_sync_descriptor(struct store *store); /* readable when there is news; -1: never */
void store_rollback(struct store *store);
/* True once after the disk was found full. */
bool store_take_full(struct store *store);
uint64_t store_changes(struct store *store); /* rows changed so far: moves with every write */
int store_savepoint(struct store *store);
int store_savepoint_keep(struct store *store);
int store_savepoint_undo(struct store *store);

/*
 * One page of a list that is longer: rows in the order of their keys, beyond `after` (0: from the
 * beginning) and up to `last`, at most `limit` after `offset` were left out; of them only those
 * that changed at or after `since`.
 */
struct store_page {
	int64_t after, last;
	unsigned limit;
	int64_t offset, since;
};
struct store_count { /* of what a list has, and the key of its last row */
	int64_t count, last;
};

#include "store/store_device.h" /* domains, devices, what they speak, their pins */

/* users (people on whose behalf sessions run) */
struct user_row {
	int64_t id;
	char login[LOGIN_SIZE];
	char name[NAME_SIZE];
	int64_t created_at, disabled_at;
	char blocked_by[LOGIN_SIZE];
	int64_t blocked_at, changed_at;
	int32_t sessions_most; /* at once; 0: any number, -1: what the settings say */
};
int store_user_add(
	struct store *store, const char *login, const char *name, int64_t now, int64_t *ret_id);
int store_user_find(struct store *store, const char *login, struct user_row *ret_user);
int store_user_get(struct store *store, int64_t id, struct user_row *ret_user);
int store_user_set(
	struct store *store, int64_t id, const char *login, const char *name, int64_t now);
/* at 0 enables */
int store_user_set_disabled(struct store *store, int64_t id, int64_t at, int64_t now);
/* Name, sessions_most and changed_at. */
int store_user_edit(struct store *store, const struct user_row *user);
/* "Hold on": no new sessions until released; by "" and at 0 releases. */
int store_user_set_blocked(struct store *store, int64_t id, const char *by, int64_t at);
int store_user_list(
	struct store *store, int (*keep)(void *, const struct user_row *), void *context);

int store_user_page(struct store *store, bool disabled, const struct store_page *page,
	int (*keep)(void *, const struct user_row *), void *context); /* disabled ones too? */
int store_user_count(struct store *store, int64_t since, struct store_count *ret_count);

/* credentials: ciphertext only */
#define CREDENTIAL_PROTOCOLS_SIZE 128
struct credential_row {
	int64_t id, device_id;
	char identifier[64]; /* UUID when not given */
	char username[USERNAME_SIZE];
	char domain[HOSTNAME_SIZE];
	uint8_t kind;    /* enum secret_kind */
	int64_t version; /* of the secret */
	uint32_t key_version;
	uint8_t *sealed; /* owned by the row; store_credential_finish() frees it */
	uint32_t sealed_len;
	int64_t created_at, changed_at, disabled_at, last_used_at;
	int64_t owner_authorization;               /* which created it; 0: the administrator */
	int64_t policy_id, parent_id, login_id;    /* 0: none; whose secret it uses; who logs in */
	char protocols[CREDENTIAL_PROTOCOLS_SIZE]; /* "ssh,telnet"; "": every one */
};
void store_credential_finish(struct credential_row *credential);
/* Inserted without its secret (the envelope needs the id), then given it, in one transaction. */
int store_credential_add(
	struct store *store, const struct credential_row *credential, int64_t *ret_id);
int store_credential_set_secret(struct store *store, int64_t id, int64_t version,
	uint32_t key_version, const void *sealed, uint32_t len, int64_t now);
int store_credential_find(struct store *store, int64_t device_id, const char *username,
	struct credential_row *ret_credential);
int store_credential_find_in(struct store *store, int64_t device_id, const char *username,
	const char *domain, struct credential_row *ret_credential);
int store_credential_get(struct store *store, int64_t id, struct credential_row *ret_credential);
int store_credential_list(struct store *store,
	int (*keep)(void *, const struct credential_row *, const struct device_row *),
	void *context);
int store_credential_set_disabled(struct store *store, int64_t id, int64_t at);
int store_credential_used(struct store *store, int64_t id, int64_t now);
/*
 * Automatic selection (reference 1.4): the five rules, least recently used, then lowest id. The
 * next one behind *after, whose fields that name it count; NULL: the first.
 */
int store_credential_select(struct store *store, int64_t device_id, int64_t authorization_id,
	const struct credential_row *after, struct credential_row *ret_credential);
int store_credential_set_policy(struct store *store, int64_t id, int64_t policy_id); /* 0: none */
int store_credential_set_protocols(struct store *store, int64_t id, const char *protocols);
/*
 * 0: none. -ERR_WRONG_MOMENT: one that has a parent, or is one, cannot be the other; the same of
 * who logs in.
 */
int store_credential_set_parent(struct store *store, int64_t id, int64_t parent_id);
int store_credential_set_login(struct store *store, int64_t id, int64_t login_id);

/*
 * For rotation: one envelope after the other, of any object, that is under an older key than
 * key_version. The cursor starts as zeros; an envelope is not met twice in one walk.
 */
struct envelope_cursor {
	unsigned place;
	int64_t after;
};
struct envelope_row {
	char object[16], field[16];
	int64_t id, version;
	uint8_t kind; /* of a credential; 0 for the secrets of an authorization */
	uint8_t sealed[SEALED_MAX];
	uint32_t sealed_len;
};
int store_envelope_older(struct store *store, uint32_t key_version, struct envelope_cursor *cursor,
	struct envelope_row *ret_row); /* NOT_FOUND: none left */
int store_envelope_count_older(struct store *store, uint32_t key_version, int64_t *ret_count);
int store_envelope_put(struct store *store, const struct envelope_row *row, uint32_t key_version);

/* applications and authorizations */
struct application_row {
	int64_t id;
	char name[NAME_SIZE];
	char auth[16]; /* "oauth2" or "oauth1" */
	int64_t created_at, disabled_at;
};
int store_application_add(
	struct store *store, const char *name, const char *auth, int64_t now, int64_t *ret_id);
int store_application_find(
	struct store *store, const char *name, struct application_row *ret_application);
int store_application_set_disabled(struct store *store, int64_t id, int64_t at);
int store_application_list(
	struct store *store, int (*keep)(void *, const struct application_row *), void *context);

/* Resources an authorization may hold (bits of `reads` and `writes`). */
enum resource {
	RESOURCE_PAM_CORE = 1 << 0,
	RESOURCE_WEB_PROXY_SESSION = 1 << 1,
	RESOURCE_USERS = 1 << 2,
	RESOURCE_SYSTEM = 1 << 3,
	RESOURCE_DASHBOARDS = 1 << 4,
	RESOURCE_A2A = 1 << 5,
	RESOURCE_CERTIFICATE_MANAGER = 1 << 6,
	RESOURCE_TASK_MANAGER = 1 << 7,
};
struct authorization_row {
	int64_t id, application_id;
	char application[NAME_SIZE];
	char auth[16];
	char client_id[64];                      /* OAuth 2; lower-case hex */
	uint8_t client_secret_hash[HASH_LEN];    /* SHA-256 of the secret's text */
	char consumer_key[64], token_key[64];    /* OAuth 1.0 */
	uint8_t *consumer_sealed, *token_sealed; /* store_authorization_finish() frees them */
	uint32_t consumer_sealed_len, token_sealed_len;
	uint32_t key_version;
	uint32_t reads, writes; /* enum resource bits */
	char ips[512];          /* "" or "*": any */
	char referers[1024];    /* separated by blanks; "": any */
	int64_t expires_at, created_at, disabled_at;
	int64_t application_disabled_at;
};
void store_authorization_finish(struct authorization_row *authorization);
int store_authorization_add(
	struct store *store, const struct authorization_row *authorization, int64_t *ret_id);
int store_authorization_set_secrets(struct store *store, int64_t id, uint32_t key_version,
	const void *consumer, uint32_t consumer_len, const void *token, uint32_t token_len);
int store_authorization_cover(struct store *store, int64_t id, int64_t credential_id);
int store_authorization_uncover(
	struct store *store, int64_t id, int64_t credential_id); /* -ERR_NOT_FOUND: was not */
/* Rights, addresses, referers and expiry, as the row has them. */
int store_authorization_edit(struct store *store, const struct authorization_row *authorization);
/*
 * The next one that has expired by now, in the order of expiry; the cursor starts as zeros and
 * moves on to it. -ERR_NOT_FOUND: there is none yet.
 */
struct expiry_cursor {
	int64_t at, id;
};
int store_authorization_expired(struct store *store, struct expiry_cursor *cursor, int64_t now);
/* What it was given; not what it created itself. */
int store_authorization_coverage(struct store *store, int64_t id,
	int (*keep)(void *, const struct credential_row *, const struct device_row *),
	void *context);
int store_authorization_covers(
	struct store *store, int64_t id, int64_t credential_id); /* 1, 0 or error */
int store_authorization_get(struct store *store, int64_t id, struct authorization_row *ret_row);
int store_authorization_by_client(
	struct store *store, const char *client_id, struct authorization_row *ret_row);
int store_authorization_by_consumer(struct store *store, const char *consumer_key,
	const char *token_key, struct authorization_row *ret_row);
int store_authorization_set_disabled(struct store *store, int64_t id, int64_t at);
int store_authorization_list(
	struct store *store, int (*keep)(void *, const struct authorization_row *), void *context);

/* access tokens and nonces: only hashes */
int store_token_add(struct store *store, const uint8_t hash[HASH_LEN], int64_t authorization_id,
	int64_t expires_at);
/* The authorization behind a live token, application and authorization status included. */
int store_token_find(struct store *store, const uint8_t hash[HASH_LEN], int64_t now,
	struct authorization_row *ret_row);
/* -ERR_EXISTS when this nonce was used: one INSERT decides. */
int store_nonce_spend(struct store *store, int64_t authorization_id, int64_t timestamp,
	const uint8_t hash[HASH_LEN]);
/*
 * Drops tokens, tickets and nonces past their time, a bounded number of each per call; returns how
 * many. The tickets of unopened sessions stay until the session ended (store_session_unopened).
 */
int store_sweep(struct store *store, int64_t now, int64_t nonce_before);
/* Unspent tickets and tokens that would live beyond these times are worth nothing. */
int store_lifetimes_cut(struct store *store, int64_t tickets, int64_t tokens);

/* sessions */
#define SESSION_STATES                                                                             \
	STATE(CREATED)  /* the URL exists, nobody has opened it */                                 \
	STATE(REDEEMED) /* the URL is spent, the worker is starting */                             \
	STATE(LIVE)     /* a person is connected to the target */                                  \
	STATE(ENDED)    /* nothing runs; the recording is sealed */
enum session_state {
#define STATE(name) SESSION_##name,
	SESSION_STATES
#undef STATE
};
struct session_row {
	int64_t id;
	char session_id[SESSION_ID_SIZE];
	uint8_t token_hash[HASH_LEN]; /* of the caller's handle */
	enum session_state state;
	int64_t authorization_id, user_id, device_id, credential_id, credential_version;
	char user[LOGIN_SIZE], application[NAME_SIZE];
	char device[HOSTNAME_SIZE], ip[ADDRESS_SIZE], username[USERNAME_SIZE],
		protocol[PROTOCOL_SIZE];
	uint16_t port;
	uint16_t width, height;
	char remote_addr[ADDRESS_SIZE]; /* pinned address, or "" */
	char origin_ip[ADDRESS_SIZE];   /* who opened it */
	uint8_t cookie_hash[HASH_LEN];
	uint8_t public_key[65];
	bool alone; /* when it is added: with this credential no other one may be open */
	int64_t created_at, redeemed_at, live_at, ended_at;
	int32_t end_why;
	char end_reason[REASON_SIZE];
	int32_t exit_status;
	uint64_t output_bytes, input_bytes, file_bytes;
	uint8_t head[HASH_LEN];
	uint8_t recorded;                    /* 1: a recording file exists under session_id */
	int64_t inputs, chunks, duration_ms; /* of the recording; -1: not known */
};
/* What a sealed recording came to. */
struct session_recorded {
	uint64_t output_bytes, input_bytes, inputs, file_bytes, chunks;
	int64_t duration_ms;
	uint8_t head[HASH_LEN];
};
/* -ERR_EXISTS: another one with the credential is alone. */
int store_session_add(struct store *store, const struct session_row *session, int64_t *ret_id);
int store_session_get(struct store *store, int64_t id, struct session_row *ret_session);
int store_session_by_session_id(
	struct store *store, const char *session_id, struct session_row *ret_session);
/* A caller sees its own: the session made under this authorization. */
int store_session_by_token(struct store *store, const uint8_t token_hash[HASH_LEN],
	int64_t authorization_id, struct session_row *ret_session);
/* newest first; before 0 or the last id of the page before. */
int store_session_list(struct store *store, int64_t before, unsigned limit,
	int (*keep)(void *, const struct session_row *), void *context);
/* Of one authorization, newest first too: beyond `after` are lower ids. What was never opened and
 * is over is left out. */
int store_session_page(struct store *store, int64_t authorization_id, const struct store_page *page,
	int (*keep)(void *, const struct session_row *), void *context);
int store_session_unended(
	struct store *store, int (*keep)(void *, const struct session_row *), void *context);
/* Unended sessions that stand on one row; id is ignored for SESSION_OF_ALL. */
enum session_of {
	SESSION_OF_ALL,
	SESSION_OF_USER,
	SESSION_OF_DEVICE,
	SESSION_OF_CREDENTIAL,
	SESSION_OF_AUTHORIZATION,
	SESSION_UNCOVERED /* the authorization's, with credentials it reaches no more */
};
int store_session_created_by(struct store *store, int what, int64_t id,
	int (*keep)(void *, const struct session_row *), void *context);
/* Sessions in CREATED whose URL can no longer be opened. */
int store_session_unopened(struct store *store, int64_t now, unsigned limit,
	int (*keep)(void *, const struct session_row *), void *context);
/* Those that left a recording, sealed (recorded) or cut off, newest first, pages as above. */
int store_session_list_recorded(struct store *store, int64_t before, unsigned limit,
	int (*keep)(void *, const struct session_row *), void *context);
/* Conditional: -ERR_WRONG_MOMENT when the row is not in `from` any more. */
int store_session_redeemed(struct store *store, int64_t id, const char *origin_ip,
	const uint8_t cookie_hash[HASH_LEN], const uint8_t public_key[65], int64_t now);
int store_session_live(struct store *store, int64_t id, int64_t now);
int store_session_ended(struct store *store, int64_t id, int32_t why, const char *reason,
	int32_t exit_status, int64_t now);
int store_session_recorded(
	struct store *store, int64_t id, const struct session_recorded *recorded);
int store_session_count_open(
	struct store *store, int64_t user_id, int64_t credential_id); /* either 0: not asked */

/* the one-time URL */
struct ticket_row {
	int64_t session_id;
	char remote_addr[ADDRESS_SIZE];
	int64_t expires_at;
};
int store_ticket_add(struct store *store, const uint8_t hash[HASH_LEN], int64_t session_id,
	const char *remote_addr, int64_t expires_at);
int store_ticket_peek(
	struct store *store, const uint8_t hash[HASH_LEN], struct ticket_row *ret_ticket);
/*
 * One conditional UPDATE: live, unspent, and of this address when one is pinned.
 * -ERR_TICKET_REFUSED when no row changed.
 */
int store_ticket_spend(struct store *store, const uint8_t hash[HASH_LEN], const char *address,
	int64_t now, int64_t *ret_session_id);

/* audit: append-only, chained and signed; chain and heads are the broker's, rows are written here
 */
int store_audit_add(struct store *store, const struct audit_row *row);
int store_audit_last(struct store *store, struct audit_row *ret_row); /* NOT_FOUND: empty */
int store_audit_list(struct store *store, int64_t after, unsigned limit,
	int (*keep)(void *, const struct audit_row *), void *context);
/* A broker's key, before it signs; and the vault's word on it, when it comes. */
int store_signer_add(
	struct store *store, const struct signer *signer, int64_t now, int64_t *ret_id);
int store_signer_certified(
	struct store *store, int64_t signer, const uint8_t certificate[64], int64_t now);
int store_head_add(struct store *store, const struct audit_head *head, int64_t signer);
/* Heads of rows after this one, with their keys. Of each: what it says, the row's hash not. */
int store_head_list(struct store *store, int64_t after, unsigned limit,
	int (*keep)(void *, const struct audit_head *), void *context);

/* The receipt of a session, made once. */
int store_receipt_add(struct store *store, int64_t session, const struct receipt *receipt,
	int64_t signer, int64_t now);
int store_receipt_get(struct store *store, int64_t session, struct receipt *ret_receipt);

/* small facts by name: schema and installation facts. */
int store_fact_get(struct store *store, const char *name, char *out, unsigned size);
int store_fact_set(struct store *store, const char *name, const char *value);

/* What there is, disabled rows not counted. */
struct store_counts {
	int64_t users, devices, credentials, applications, sessions_created;
};
int store_count(struct store *store, struct store_counts *ret_counts);
