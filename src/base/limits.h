/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every ceiling that more than one file knows. A ceiling used in one file stands in that file. */

/* HTTP (contract section 1) */
#define HTTP_LINE_MAX 8192  /* bytes, request line */
#define HTTP_HEAD_MAX 16384 /* bytes, request line and header fields */
#define HTTP_FIELDS_MAX 64  /* header fields */
#define HTTP_BODY_MAX 65536 /* bytes */
#define JSON_DEPTH_MAX 32
#define PARAMS_MAX 256        /* parameters of one call, nested keys counted */
#define PARAM_NAME_MAX 128    /* bytes, dotted path of a nested key */
#define PARAM_VALUE_MAX 65536 /* bytes */

/* messages between processes */
#define MESSAGE_MAX (136 * 1024) /* bytes, with its tail */
#define MESSAGE_FDS_MAX 4
#define REPLY_PART_MAX 65536 /* bytes of an answer's body in one message; more parts follow */

/* names, with their NUL */
#define NAME_SIZE 128  /* application, tenant, display names */
#define LOGIN_SIZE 128 /* user login */
#define HOSTNAME_SIZE 256
#define USERNAME_SIZE 128 /* account on the target */
#define PROTOCOL_SIZE 16  /* lower case: "ssh" */
#define ADDRESS_SIZE 48   /* textual IPv4 or IPv6 address */
#define REASON_SIZE 256   /* why something ended, for people */
#define URL_SIZE 512
#define VERSION_SIZE 32 /* of a build: "0.1.0" */

/* identifiers, with their NUL */
#define SESSION_ID_SIZE                                                                            \
	41            /* 40 hex digits: the session_id of the API, the page and the file name */
#define TOKEN_SIZE 65 /* 64 hex digits */
#define HASH_LEN 32   /* SHA-256 or BLAKE2b-256, raw */
#define TRACE_SIZE 17 /* 16 hex digits */

/* sessions */
#define SESSIONS_MAX 4096 /* live at once on one gateway */
#define VIEWERS_MAX 16    /* attached to one session at once */
#define SECRET_MAX 16384  /* bytes of a secret, SSH keys included */
#define SEALED_MAX (SECRET_MAX + 512)
#define EXCHANGE_MAX 12288 /* bytes that both sides of an SSH key exchange hash */
#define PINS_MAX 4         /* host keys pinned for one device and protocol */

/* view stream */
#define VIEW_FRAME_MAX 65536        /* bytes of a frame's payload */
#define VIEW_RING_MAX (1024 * 1024) /* newest stretch kept for people who come back */
#define VIEW_WINDOW (256 * 1024)    /* unacknowledged bytes on the way to one person */
