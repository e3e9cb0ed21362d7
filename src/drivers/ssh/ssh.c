/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ssh/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <libssh/server.h> /* ssh_send_keepalive() */

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "drivers/plain.h"
#include "drivers/ssh/algorithms.h"
#include "drivers/ssh/exchange.h"
#include "drivers/ssh/warm.h"

#define HOST_KEY_MAX 4096      /* bytes of a host key in wire form */
#define FRAMES_PER_TURN 2      /* of output, before input gets its turn */
#define INPUT_PIECE 16384      /* bytes given to the library at a time */
#define CLOSING_MS 2000        /* for the exit status after the last output */
#define BANNER_MAX 4096        /* bytes of the target's banner that are shown */
#define NOWHERE "/nonexistent" /* for paths that no option can turn off */

/* One session per process: where output is gathered into frames worth sending. */
static uint8_t gathered[VIEW_FRAME_MAX];

int ssh_fault(struct ssh *ssh, const char *doing)
{
	const char *words = ssh_get_error(ssh->session);
	const char *target = worker_birth(ssh->worker)->target;

	if (strncmp(words, "Socket error", 12) == 0)
		return worker_end(ssh->worker, -ERR_TARGET_GONE, -1,
			"%s closed the connection during the %s.", target, doing);
	if (strstr(words, "SSH_MSG_DISCONNECT") != NULL)
		return worker_end(ssh->worker, -ERR_TARGET_GONE, -1,
			"%s ended the connection during the %s: %s", target, doing,
			strchr(words, ':') + 1);
	return worker_end(ssh->worker, -ERR_PROTOCOL_FAULT, -1, "The %s with %s failed: %s", doing,
		target, words);
}

/* The key in wire form; its length, or negative. */
static int host_key_blob(ssh_session session, uint8_t *blob, size_t size, const char **ret_type)
{
	ssh_key key = NULL;
	char *text = NULL;
	int len = -ERR_PROTOCOL_FAULT;

	if (ssh_get_server_publickey(session, &key) != SSH_OK)
		return len;
	*ret_type = ssh_key_type_to_char(ssh_key_type(key));
	if (ssh_pki_export_pubkey_base64(key, &text) == SSH_OK)
		len = base64_decode(blob, size, text, strlen(text));
	ssh_string_free_char(text);
	ssh_key_free(key);
	return len;
}

static int step_connect(struct ssh *ssh)
{
	uint8_t blob[HOST_KEY_MAX];
	const char *type;
	size_t exchange_len;
	int r = ssh_connect(ssh->session);

	/* libssh makes the descriptor blocking when it meets it: a target that does not read would
	 * then stop this process. */
	if (ssh_get_fd(ssh->session) >= 0)
		fcntl(ssh_get_fd(ssh->session), F_SETFL, O_NONBLOCK);
	if (r == SSH_AGAIN)
		return STEP_WAIT;
	if (r != SSH_OK)
		return ssh_fault(ssh, "key exchange");
	r = host_key_blob(ssh->session, blob, sizeof blob, &type);
	if (r < 0)
		return r;
	worker_state(ssh->worker, VIEW_LOGGING_IN);
	const void *exchange = exchange_kept(&exchange_len);
	r = worker_host_key(ssh->worker, type, blob, (size_t)r, exchange, exchange_len);
	exchange_forget();
	if (r < 0)
		return r;
	ssh->step = STEP_METHODS;
	return worker_birth(ssh->worker)->probe ? STEP_WAIT : STEP_GO;
}

static int step_channel(struct ssh *ssh)
{
	int r;

	if (ssh->channel == NULL)
		ssh->channel = ssh_channel_new(ssh->session);
	if (ssh->channel == NULL)
		return -ERR_SYSTEM;
	r = ssh_channel_open_session(ssh->channel);
	if (r == SSH_AGAIN)
		return STEP_WAIT;
	if (r != SSH_OK)
		return ssh_fault(ssh, "opening of a session");
	ssh_set_channel_callbacks(ssh->channel, &ssh->callbacks);
	ssh->step = STEP_TERMINAL;
	return STEP_GO;
}

static int step_terminal(struct ssh *ssh)
{
	const struct screen *screen = worker_screen(ssh->worker);
	int r = ssh_channel_request_pty_size(
		ssh->channel, worker_birth(ssh->worker)->terminal, screen->columns, screen->rows);

	if (r == SSH_AGAIN)
		return STEP_WAIT;
	if (r != SSH_OK)
		return ssh_fault(ssh, "request for a terminal");
	ssh->step = STEP_SHELL;
	return STEP_GO;
}

static void show_banner(struct ssh *ssh)
{
	char *banner = ssh_get_issue_banner(ssh->session);
	char *plain = malloc(BANNER_MAX);

	if (banner != NULL && plain != NULL) {
		size_t len = plain_text(plain, BANNER_MAX, banner, strlen(banner), PLAIN_LINES);

		if (worker_room(ssh->worker) >= len)
			worker_text(ssh->worker, plain, len);
	}
	free(plain);
	ssh_string_free_char(banner);
}

static int step_shell(struct ssh *ssh)
{
	int r = ssh_channel_request_shell(ssh->channel);

	if (r == SSH_AGAIN)
		return STEP_WAIT;
	if (r != SSH_OK)
		return ssh_fault(ssh, "request for a shell");
	show_banner(ssh);
	worker_state(ssh->worker, VIEW_LIVE);
	ssh->step = STEP_LIVE;
	return STEP_GO;
}

/*
 * Everything that is there now, up to one frame; a terminal's output comes in small packets and
 * small frames are where the processor time goes. Negative at the end of the channel.
 */
static int gather(struct ssh *ssh)
{
	int n = 0;

	while (ssh->gathered_len < sizeof gathered) {
		n = ssh_channel_read_nonblocking(ssh->channel, gathered + ssh->gathered_len,
			(uint32_t)(sizeof gathered - ssh->gathered_len), 0);
		if (n <= 0)
			break;
		ssh->gathered_len += (size_t)n;
	}
	return MIN(n, 0);
}

/*
 * What was typed waits in the library until it is let to write, which it otherwise does while it
 * reads: not at all while nobody takes the target's flood, and an interrupt would never get out.
 */
static void flush(struct ssh *ssh)
{
	if (ssh_get_poll_flags(ssh->session) & SSH_WRITE_PENDING)
		ssh_blocking_flush(ssh->session, 0);
}

static int step_live(struct ssh *ssh)
{
	flush(ssh);
	for (unsigned i = 0; i < FRAMES_PER_TURN && worker_room(ssh->worker) > 0; i++) {
		int over = gather(ssh);
		bool full = ssh->gathered_len == sizeof gathered;

		worker_text(ssh->worker, gathered, ssh->gathered_len);
		ssh->gathered_len = 0;
		if (over < 0) {
			ssh->closing_since = clock_monotonic_ms();
			ssh->step = STEP_CLOSING;
			return STEP_GO;
		}
		if (!full)
			return STEP_WAIT;
	}
	/* The library may hold what it decrypted already: no readiness will tell of that. */
	return worker_room(ssh->worker) > 0 ? STEP_AGAIN : STEP_WAIT;
}

static int farewell(struct ssh *ssh)
{
	const char *target = worker_birth(ssh->worker)->target;

	if (ssh->signal[0] != '\0')
		return worker_end(ssh->worker, 0, -1, "The session on %s was ended by signal %s.",
			target, ssh->signal);
	if (ssh->exit_status >= 0)
		return worker_end(ssh->worker, 0, ssh->exit_status,
			"The session on %s ended with exit status %d.", target, ssh->exit_status);
	if (ssh_channel_is_eof(ssh->channel) || ssh_channel_is_closed(ssh->channel))
		return worker_end(ssh->worker, 0, -1, "The session on %s ended.", target);
	return worker_end(ssh->worker, -ERR_TARGET_GONE, -1, "%s closed the connection.", target);
}

static int step_closing(struct ssh *ssh)
{
	uint64_t waited = clock_monotonic_ms() - ssh->closing_since;
	bool connected;

	if (ssh->exit_status < 0)
		ssh->exit_status = ssh_channel_get_exit_status(ssh->channel);
	connected = ssh_is_connected(ssh->session) && !ssh_channel_is_closed(ssh->channel);
	if (ssh->exit_status < 0 && ssh->signal[0] == '\0' && connected && waited < CLOSING_MS) {
		worker_wake(ssh->worker, (unsigned)(CLOSING_MS - waited));
		return STEP_WAIT;
	}
	farewell(ssh);
	return STEP_WAIT;
}

static int (*const steps[STEP_COUNT])(struct ssh *) = {
#define STEP(name, function) [STEP_##name] = function,
	SSH_STEPS
#undef STEP
};

static int turn(void *session)
{
	struct ssh *ssh = session;
	int r;

	do
		r = steps[ssh->step](ssh);
	while (r == STEP_GO);
	return r == STEP_AGAIN ? 1 : r;
}

static int on_secret(void *session, struct secret *secret)
{
	struct ssh *ssh = session;

	if (ssh->step > STEP_VAULT) {
		secret_destroy(secret); /* the target had no lock */
		return 0;
	}
	ssh->secret = secret;
	ssh->agreed = true;
	return 0;
}

static ssize_t input(void *session, const uint8_t *bytes, size_t len)
{
	struct ssh *ssh = session;
	int n;

	if (ssh->step != STEP_LIVE)
		return (ssize_t)len;
	/* What the library could not send yet it keeps without a ceiling: give it no more. */
	flush(ssh);
	if (ssh_get_poll_flags(ssh->session) & SSH_WRITE_PENDING)
		return 0;
	n = ssh_channel_write(ssh->channel, bytes, (uint32_t)MIN(len, (size_t)INPUT_PIECE));
	return n < 0 ? -ERR_TARGET_GONE : n;
}

static int resize(void *session, const struct screen *screen)
{
	struct ssh *ssh = session;

	/* Before the shell the terminal is asked for with the newest size anyway. */
	if (ssh->step == STEP_LIVE)
		ssh_channel_change_pty_size(ssh->channel, screen->columns, screen->rows);
	return 0;
}

/* The first call takes the answer to the last question, the second asks again. */
static int keepalive(void *session)
{
	struct ssh *ssh = session;

	ssh_send_keepalive(ssh->session);
	ssh_send_keepalive(ssh->session);
	return 0;
}

static uint32_t wants(void *session)
{
	struct ssh *ssh = session;
	int flags;

	if (ssh == NULL || ssh_get_fd(ssh->session) < 0 || ssh->step == STEP_VAULT)
		return 0;
	flags = ssh_get_poll_flags(ssh->session);
	return (flags & SSH_WRITE_PENDING ? EPOLLOUT : 0) |
	       (ssh->step != STEP_LIVE || worker_room(ssh->worker) > 0 ? EPOLLIN : 0);
}

/* Channels a target wants to open (X11, agent, forwarded ports) and requests: all refused. */
static int refuse(ssh_session session, ssh_message message, void *context)
{
	return 1;
}

static void on_exit_signal(ssh_session session, ssh_channel channel, const char *signal, int core,
	const char *words, const char *language, void *context)
{
	struct ssh *ssh = context;

	plain_text(ssh->signal, sizeof ssh->signal, signal, strlen(signal), PLAIN_LINE);
}

/*
 * With a terminal there is no second stream; a target that uses it all the same must not fill the
 * library's buffer, which nobody reads: what fits is shown, the rest is dropped.
 */
static int on_data(ssh_session session, ssh_channel channel, void *bytes, uint32_t len,
	int is_error, void *context)
{
	struct ssh *ssh = context;
	size_t fits = MIN((size_t)len, sizeof gathered - ssh->gathered_len);

	if (!is_error)
		return 0; /* stays in the library until gather() takes it */
	memcpy(gathered + ssh->gathered_len, bytes, fits);
	ssh->gathered_len += fits;
	return (int)len;
}

static void on_exit_status(ssh_session session, ssh_channel channel, int status, void *context)
{
	((struct ssh *)context)->exit_status = status;
}

static int set_options(ssh_session session, const struct worker_birth *birth, int target)
{
	static const int no = 0;

	if (ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no) < 0 ||
		ssh_options_set(session, SSH_OPTIONS_FD, &target) < 0 ||
		ssh_options_set(session, SSH_OPTIONS_HOST, "target") < 0 ||
		ssh_options_set(session, SSH_OPTIONS_USER,
			birth->probe ? "sallyport" : birth->username) < 0 ||
		ssh_options_set(session, SSH_OPTIONS_SSH_DIR, NOWHERE) < 0 ||
		ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, NOWHERE) < 0 ||
		ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, NOWHERE) < 0)
		return -ERR_SYSTEM;
	return algorithms_set(session, birth);
}

static void close_session(void *session)
{
	struct ssh *ssh = session;

	if (ssh == NULL)
		return;
	secret_destroy(ssh->secret);
	exchange_forget(); /* of one that went wrong after it was hashed */
	if (ssh->session != NULL)
		ssh_free(ssh->session); /* its channel and its descriptors too */
	free(ssh);
}

static int open_session(struct worker *worker, int target, void **ret_session)
{
	struct ssh *ssh = calloc(1, sizeof *ssh);
	int r = -ERR_SYSTEM;

	if (ssh == NULL)
		return r;
	ssh->worker = worker;
	ssh->exit_status = -1;
	ssh->callbacks.userdata = ssh;
	ssh->callbacks.channel_data_function = on_data;
	ssh->callbacks.channel_exit_signal_function = on_exit_signal;
	ssh->callbacks.channel_exit_status_function = on_exit_status;
	ssh_callbacks_init(&ssh->callbacks);
	ssh->session = ssh_new();
	if (ssh->session != NULL)
		r = set_options(ssh->session, worker_birth(worker), target);
	if (r < 0) {
		close_session(ssh);
		return r;
	}
	exchange_watch();
	ssh_set_blocking(ssh->session, 0);
	ssh_set_message_callback(ssh->session, refuse, NULL);
	*ret_session = ssh;
	return 0;
}

static int prepare(void)
{
	if (ssh_init() != SSH_OK)
		return -ERR_SYSTEM;
	ssh_warm();
	return 0;
}

const struct driver driver = {
	.name = "ssh",
	.proves_itself = true,
	.prepare = prepare,
	.open = open_session,
	.turn = turn,
	.secret = on_secret,
	.input = input,
	.resize = resize,
	.keepalive = keepalive,
	.wants = wants,
	.close = close_session,
};
