/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The load program of ./dev bench. One terminal is either a person of the gateway (the page's part
 * of opening a URL, without a page) or a plain `ssh -tt` child; the modes do not know which.
 *
 * Terminals come as lines of fields separated by tabs:
 *   page PORT HOST SR     HOST as in Host: and Origin:, SR the value of the session URL
 *   ssh ARGUMENT ..       run as it stands
 */
#define TAIL_SIZE 512        /* newest bytes of output that are kept to look for words in */
#define ACK_BYTES 65536      /* as the page does: said at once, */
#define ACK_SOME_BYTES 16384 /* unless something was said within 5 ms, */
#define ACK_SOME_US 5000
#define ACK_SOON_BYTES 8192 /* from here within 50 ms, */
#define ACK_SOON_US 50000
#define ACK_LATER_US 500000 /* any within half a second */
#define READ_PIECE 65536
#define OPEN_SECONDS 60 /* to the first prompt; then it failed */
#define TERMINALS_MAX 4096

extern const char prompt[]; /* what the target's shell prints when it waits */

struct page;
struct terminal {
	struct page *page; /* NULL: ssh */
	char **arguments;
	pid_t pid;
	int fd, in;     /* where output comes from; ssh: where input goes */
	unsigned dials; /* how often fd became another, perhaps of the same number */
	uint64_t began_us, prompt_us;
	uint64_t bytes; /* of the target's output */
	char tail[TAIL_SIZE];
	size_t tail_len;
	bool ended;
};

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
uint64_t now_us(void);
void sleep_us(uint64_t us);

/* terminal.c */
struct terminal *terminal_create(char *line); /* keeps the line */
void terminal_begin(struct terminal *terminal);
void terminal_close(struct terminal *terminal);
/* Reads at most `most` bytes of what is there. Bytes read; 0: nothing more now, or ended. */
size_t terminal_read(struct terminal *terminal, size_t most);
void terminal_type(struct terminal *terminal, const void *bytes, size_t len);
void terminal_text(struct terminal *terminal, const uint8_t *bytes, size_t len);
bool terminal_ends_with(const struct terminal *terminal, const char *words);
void terminal_forget(struct terminal *terminal);
/* Waits until there is something to read; false after that many milliseconds without. */
bool terminal_wait(struct terminal *terminal, int ms);
void terminal_until(struct terminal *terminal, const char *words, int seconds);
/* The one terminal on standard input, opened, at its first prompt. */
struct terminal *terminal_only(void);

/* page.c */
struct page *page_create(char **fields);
void page_destroy(struct page *page);
void page_begin(struct terminal *terminal);
size_t page_read(struct terminal *terminal, size_t most);
void page_type(struct terminal *terminal, const void *bytes, size_t len);

/* tls.c */
SSL *tls_dial(uint16_t port, SSL_SESSION *session); /* connected; the handshake is the caller's */
void tls_say(SSL *tls, const void *bytes, size_t len);

/* tree.c: a process and all below it */
struct tree {
	uint64_t cpu_us, uss_kib, pss_kib, tables_kib;
	unsigned processes;
	bool memory_known;
};
void tree_measure(pid_t root, bool without_root, bool memory, struct tree *ret_tree);

/* modes */
int mode_hold(int count, char **arguments);
int mode_flood(int count, char **arguments);
int mode_keys(int count, char **arguments);
int mode_slow(int count, char **arguments);
int mode_connections(int count, char **arguments);
int mode_tree(int count, char **arguments);
int mode_log(int count, char **arguments);
int mode_chatter(int count, char **arguments);
int mode_sync(int count, char **arguments);
