/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/address.h"
#include "base/limits.h"
#include "base/settings.h"
#include "wire/generations.h"
#include "wire/witness.h"

/*
 * The payloads of messages.def. Structs of fixed size between executables of one wire format: no
 * parser, so no parser bug. Strings are arrays that must contain a NUL; wire.c does not look
 * inside, so a receiver reads them through text_valid(). Senders start from MESSAGE(type) or
 * memset: padding must not carry anything out.
 */

enum party {
	PARTY_ANY,
	PARTY_SUPERVISOR,
	PARTY_FRONT,
	PARTY_BROKER,
	PARTY_VAULT,
	PARTY_RECORDER,
	PARTY_WORKER,
	PARTY_CONTROL, /* the command line */
	PARTY_TOKEN,   /* what speaks to a PKCS#11 token */
	PARTY_WITNESS,
	PARTY_COUNT
};
const char *party_name(enum party party); /* "front" */

#define SIGNATURE_TAIL_MAX (MESSAGE_MAX - 4096)
#define WORKERS_TAIL_MAX ((SESSIONS_MAX + 64) * 8) /* probes are workers too */
#define WIRE_FORMAT_SIZE 65

struct msg_nothing {
	uint8_t unused;
};
struct msg_result {
	int32_t result; /* 0 or -ERR_... */
};
struct msg_session {
	int64_t session; /* row id */
};

struct msg_refused {
	int64_t session; /* row id */
	int32_t result;  /* -ERR_...: why */
};

struct msg_start {
	char format[WIRE_FORMAT_SIZE]; /* peers of another one are refused: wire/format.h */
	uint32_t uid;                  /* to become when root; 0: stay */
	uint32_t generation;           /* counts reloads, from 1 */
	struct settings settings;
};
struct msg_give {
	char name[32]; /* "listen", "root-key", ... */
};
struct msg_peer {
	uint8_t party;   /* enum party: who is at the other end */
	uint8_t retired; /* it finishes what it has and takes nothing new */
	uint32_t generation;
};
struct msg_strike {
	uint8_t party; /* enum party: at the other end of the channel that is now closed */
	uint32_t generation;
	int32_t why; /* -ERR_MALFORMED: its words; anything else: the teller's own trouble */
};

/* A call: syntax was checked by the sender, meaning is checked by the broker. */
struct msg_api_call {
	char method[8];     /* "POST", upper case */
	char path[512];     /* decoded once, as it was sent, no trailing slash, no query */
	char raw_path[512]; /* as it stood in the request line, without query: OAuth 1.0 signs it */
	char host[HOSTNAME_SIZE]; /* Host field, lower case, with port if it had one */
	char scheme[6];           /* "https" */
	char authorization[2048]; /* Authorization field as sent, or "" */
	char referer[512];
	char user_agent[256];
	struct address peer;           /* the client: socket, or forwarded by a trusted proxy */
	uint8_t certificate[HASH_LEN]; /* SHA-256 of the client's, proven to be its own; or zeros */
	uint8_t body_hash_sha1[20], body_hash_sha256[32]; /* of the raw body, for oauth_body_hash */
	uint8_t body_is_form;   /* form parameters take part in OAuth 1.0 signatures */
	char trace[TRACE_SIZE]; /* names this call in logs and answers */
	uint32_t caller_uid;    /* CONTROL only: filled in by the broker from the socket */
};
/* Another part follows; or does when API_MORE asks for it; or none, and what came is not whole. */
enum reply_more { REPLY_LAST, REPLY_MORE, REPLY_ASKS, REPLY_BROKEN };
struct msg_api_reply {
	uint16_t status;
	uint8_t more; /* enum reply_more */
	char content_type[48];
	char header[512]; /* further whole header lines, "Allow: GET\r\nRetry-After: 5\r\n" */
};

/* The identity of a stored secret: associated data of its envelope. */
struct identity {
	char object[16]; /* "credential", "authorization" */
	char field[16];  /* "content", "consumer" */
	int64_t id;
	int64_t version;
};
struct msg_seal {
	struct identity identity;
	uint8_t kind; /* enum secret_kind: keys are parsed before they are sealed */
};
enum secret_kind {
	SECRET_PASSWORD = 1,
	SECRET_SSH_KEY = 2,
	SECRET_TOKEN = 3, /* made here: OAuth 1.0 secrets */
};
struct msg_sealed {
	int32_t result;
	uint32_t key_version;
	char detail[REASON_SIZE]; /* a key's type and fingerprint, "ssh-ed25519 SHA256:..." */
};
/*
 * OAuth 1.0 (RFC 5849 section 3.4). Tail: consumer envelope, token envelope, base string, in this
 * order, with the lengths below.
 */
struct msg_signature {
	struct identity consumer, token;
	uint32_t consumer_len, token_len, base_len;
	uint8_t sha256;     /* else SHA-1 */
	char signature[64]; /* base64 as sent */
};
/* Where what opens the vault comes from. The numbers are the keyring's format. */
enum root_source {
	SOURCE_ROOT_KEY = 1, /* the file root.key */
	SOURCE_PASSPHRASE,   /* nobody stores it */
	SOURCE_CREDENTIAL,   /* the service manager gives it at every start */
	SOURCE_TOKEN,        /* a PKCS#11 token unwraps it */
};
/* What an administrator must give to open it. */
enum vault_wants { WANTS_NOTHING, WANTS_PASSPHRASE, WANTS_PIN };
/* How long the vault's log of releases is: wire/releases.h. */
struct msg_releases_head {
	uint64_t sequence; /* of its last line; 0: it is empty */
	uint8_t head[HASH_LEN];
	uint8_t is_signed; /* 0: the vault is sealed, and signs nothing */
	uint8_t signature[64];
};
struct msg_vault_state {
	int32_t result;
	uint8_t sealed;
	uint8_t source;   /* enum root_source */
	uint8_t wants;    /* enum vault_wants */
	int32_t why;      /* while sealed: -ERR_... */
	uint32_t wait_ms; /* before the next try to open it is looked at */
	uint32_t key_version;
	uint32_t oldest_version; /* whose root key was not erased yet */
	uint64_t releases;       /* since this vault started */
	struct msg_releases_head head;
	uint8_t recording_public[32];    /* X25519: recorders seal recording keys to it */
	uint8_t installation_public[32]; /* Ed25519: certifies recording keys */
};

struct msg_broker_certify {
	uint8_t public_key[32];  /* Ed25519, made by this broker for its life */
	uint8_t trail[HASH_LEN]; /* hash of the audit trail's first row */
};
struct msg_broker_certified {
	int32_t result;
	uint8_t public_key[32];
	uint8_t certificate[64]; /* wire/certificate.h */
};

#define WRAPPED_MAX 256 /* bytes of a root key as a token wrapped it */
#define ROOT_MATERIAL_LEN 32
struct msg_token_start {
	uint8_t unused;
};
struct msg_token_question {
	uint8_t wrap;      /* 1: wrap `bytes`, 0: unwrap them */
	uint8_t make;      /* 1: make the key when the token has none of that name */
	uint8_t automatic; /* 1: nobody typed the PIN: not after a refusal, never the last try */
	uint16_t len;
	uint8_t bytes[WRAPPED_MAX];
};
struct msg_token_answer {
	int32_t result; /* 0 or -ERR_... */
	uint16_t len;
	uint8_t bytes[WRAPPED_MAX];
};

struct msg_redeem {
	char value[192];        /* the _sr value as it stood in the query */
	uint8_t public_key[65]; /* P-256, uncompressed point */
	struct address peer;
	char trace[TRACE_SIZE];
	char user_agent[256];
	uint16_t columns, rows, width, height;
};
struct msg_redeemed {
	int32_t result; /* 0, or -ERR_TICKET_REFUSED and nothing else set */
	char session[SESSION_ID_SIZE];
	char cookie[TOKEN_SIZE];
	char user[LOGIN_SIZE], application[NAME_SIZE];
	char target[HOSTNAME_SIZE], username[USERNAME_SIZE], protocol[PROTOCOL_SIZE];
	uint8_t click; /* 1: wait for the person's click before attaching */
	uint8_t recorded;
};
struct msg_attach_ask {
	char session[SESSION_ID_SIZE];
	char cookie[TOKEN_SIZE];
	struct address peer;
};
struct msg_challenge {
	uint8_t challenge[32];
};
/* What the page signs: view.h, VIEW_PROOF. */
struct msg_prove {
	char session[SESSION_ID_SIZE];
	char cookie[TOKEN_SIZE];
	struct address peer;
	uint8_t challenge[32];
	uint8_t signature[64]; /* r || s */
	uint64_t offset;
	uint64_t page; /* the page's own number, new with each load; 0: it has none */
	uint16_t columns, rows;
};

struct msg_recording_start {
	int64_t session;
	char session_id[SESSION_ID_SIZE]; /* also the file's name */
	uint8_t record_input;             /* enum recording_input */
	uint16_t keyframe_seconds; /* at least between two keyframes of the recording; 0: none */
};
struct msg_certify {
	int64_t session;
	uint8_t public_key[32]; /* Ed25519, made by the recorder for this recording alone */
	uint8_t facts_hash[HASH_LEN];
	char session_id[SESSION_ID_SIZE];
};
struct msg_certified {
	int32_t result;
	int64_t session;
	uint8_t signature[64];        /* docs/formats/recording.md: the certificate */
	uint8_t recording_public[32]; /* seal the data key to this */
	uint32_t key_version;
};
struct msg_recording_started {
	int64_t session;
	int32_t result;
};
struct msg_grant {
	int64_t session;
	struct identity identity;
	uint8_t kind; /* enum secret_kind */
	char username[USERNAME_SIZE];
	char session_id[SESSION_ID_SIZE];
	char target[HOSTNAME_SIZE]; /* for the vault's own log of releases */
	uint8_t pins_required;      /* 0: a protocol that proves nothing (Telnet) */
	uint8_t pin_count;
	uint8_t pins[PINS_MAX][HASH_LEN]; /* SHA-256 of the host key blob (RFC 4253 section 6.6) */
};
/* What a worker knows of its session; given in a sealed memory file, read once, closed. */
struct worker_birth {
	int64_t session;
	char session_id[SESSION_ID_SIZE];
	char protocol[PROTOCOL_SIZE];
	char username[USERNAME_SIZE];
	char target[HOSTNAME_SIZE];
	char user[LOGIN_SIZE]; /* for the process title */
	char terminal[32];
	uint8_t kind;  /* enum secret_kind */
	uint8_t probe; /* only fetch the host key: the view descriptor is a channel to the broker */
	uint16_t columns, rows;
	uint16_t width, height;
	uint16_t login_timeout; /* seconds */
	uint8_t pin_count;
	uint8_t pins[PINS_MAX][HASH_LEN];
	char pin_algorithms[PINS_MAX]
			   [48]; /* "ssh-ed25519": what to offer, so that the pinned key is shown */
	char expect[4][128]; /* Telnet: login expressions: prompt for user, for password, success,
				failure */
};
struct msg_worker_start {
	int64_t session; /* negative: a probe */
	char driver[PROTOCOL_SIZE];
	char title[96]; /* "session 4711 ana -> db1" */
};
struct msg_worker_fork {
	uint64_t namespaces; /* CLONE_NEW... */
	uint32_t uid;        /* to become; 0: stay */
};
struct msg_worker_forked {
	int32_t pid;   /* of a child of the supervisor's; 0: none */
	int32_t error; /* errno, then */
};
struct msg_worker_exited {
	int64_t session;
	int32_t status; /* as from waitpid() */
};
struct msg_moved {
	int64_t session;
	uint8_t state;       /* enum view_state */
	int32_t why;         /* 0 or -ERR_... */
	int32_t exit_status; /* of the target's shell; -1 unknown */
	char reason[REASON_SIZE];
};
/* What a recorder still has, to a broker that does not know. */
struct msg_listed {
	struct msg_moved moved; /* the newest word on it; session 0 ends the list */
	uint8_t worker;         /* somebody holds the other end of its view stream */
	uint32_t viewers, last_viewer;
	uint64_t idle_ms, away_ms; /* since the last input; since the last viewer left */
};
struct msg_viewer {
	int64_t session;
	uint32_t viewer;
	uint64_t offset; /* JOIN: resume here; UINT64_MAX: from what is kept */
	uint64_t page;   /* JOIN: an earlier attachment of the same page gives way; 0: none */
	uint8_t read_only;
	uint16_t columns, rows;
	char who[LOGIN_SIZE];
	char from[ADDRESS_SIZE];
};
struct msg_activity {
	int64_t session;
	uint64_t input_bytes, output_bytes;
};
struct msg_notice {
	int64_t session;
	int32_t why; /* SESSION_STOP: 0 or -ERR_... */
	char text[REASON_SIZE];
};
struct msg_recording_done {
	int64_t session;
	int32_t result; /* 0, or why the file may be short */
	uint64_t output_bytes, input_bytes, file_bytes;
	uint64_t inputs; /* times something was typed or pasted */
	uint64_t chunks;
	int64_t duration_ms;
	uint8_t head[HASH_LEN]; /* of the whole file */
};
struct msg_recording_open {
	char session_id[SESSION_ID_SIZE];
	uint8_t secrets;      /* 1: the key of what was typed unseen, not the data key */
	uint8_t wrapped[160]; /* from the file */
	uint16_t wrapped_len;
	uint32_t key_version;
};
struct msg_probe {
	int32_t result;
	char algorithm[48];
	uint16_t blob_len;
	uint8_t blob[2048];
};

enum msg_type {
	MSG_NONE,
#define MSG(name, from, to, payload, tail, fds) MSG_##name,
#include "wire/messages.def"
#undef MSG
	MSG_COUNT
};
