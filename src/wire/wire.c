/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"

#define HEADER_LEN 16
#define RECEIVE_BURST 128 /* packets taken from one channel before others get their turn */
#define SEND_BUFFER (1024 * 1024)

struct row {
	const char *name;
	enum party from, to;
	size_t size, tail;
	unsigned fds;
};

static const struct row rows[MSG_COUNT] = {
	[MSG_NONE] = { "NONE", PARTY_COUNT, PARTY_COUNT, 0, 0, 0 },
#define MSG(name, from, to, payload, tail, fds)                                                    \
	[MSG_##name] = { #name, PARTY_##from, PARTY_##to, sizeof(payload), tail, fds },
#include "wire/messages.def"
#undef MSG
};

/* A packet with its descriptors: on its way out, or kept while a question waits for its answer. */
struct packet {
	struct packet *next;
	size_t len;
	int fds[MESSAGE_FDS_MAX];
	unsigned fd_count;
	uint8_t bytes[];
};

struct queue {
	struct packet *first, **last;
	size_t bytes;
};

struct channel {
	struct loop *loop;
	int fd;
	enum party self, peer;
	uint32_t generation; /* of the peer */
	message_fn *fn;
	gone_fn *gone;
	void *context;
	struct watch *watch;
	struct timer *later; /* kept packets wait for the loop */
	struct queue out, kept;
	uint32_t serial;
	bool busy, doomed; /* destroyed from inside a handler: freed when the handler returns */
	bool said_all;     /* channel_last(): nothing more is sent */
	bool heard_all;    /* the peer sends nothing more; it may still read */
	uint8_t *buffer;   /* MESSAGE_MAX */
};

/* One per process by nature. */
static struct {
	strike_fn *fn;
	void *context;
} on_strike;

void wire_on_strike(strike_fn *fn, void *context)
{
	on_strike.fn = fn;
	on_strike.context = context;
}

static void strike(const struct channel *channel, int why)
{
	if (on_strike.fn != NULL)
		on_strike.fn(on_strike.context, channel, why);
}

const char *party_name(enum party party)
{
	static const char *const names[PARTY_COUNT] = { "any", "supervisor", "front", "broker",
		"vault", "recorder", "worker", "control", "token", "witness" };

	return party < PARTY_COUNT ? names[party] : "?";
}

const char *outlet_name(enum outlet_id id)
{
	static const char *const names[OUTLET_COUNT] = { "mirror", "file", "syslog", "webhook" };

	return id < OUTLET_COUNT ? names[id] : "?";
}

bool witness_wanted(const struct settings *settings)
{
	return settings->audit_mirror[0] != '\0' || settings->witness_file[0] != '\0' ||
	       settings->witness_syslog[0] != '\0' || settings->witness_webhook[0] != '\0';
}

const char *message_name(enum msg_type type)
{
	return type < MSG_COUNT ? rows[type].name : "?";
}

size_t message_size(enum msg_type type)
{
	return type < MSG_COUNT ? rows[type].size : 0;
}

bool text_valid(const char *array, size_t size)
{
	const char *end = memchr(array, 0, size);

	return end != NULL && utf8_valid(array, (size_t)(end - array));
}

static bool party_allowed(enum party allowed, enum party party)
{
	return allowed == party || allowed == PARTY_ANY;
}

static uint16_t read16(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static uint32_t read32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

int wire_permit(enum party from, enum party to, const void *packet, size_t len, unsigned fd_count,
	struct message *ret_message)
{
	const uint8_t *bytes = packet;

	if (len < HEADER_LEN)
		return -ERR_MALFORMED;
	unsigned type = read16(bytes);
	if (type == MSG_NONE || type >= MSG_COUNT)
		return -ERR_MALFORMED;
	const struct row *row = &rows[type];
	size_t tail = read32(bytes + 8);
	if (!party_allowed(row->from, from) || !party_allowed(row->to, to))
		return -ERR_MALFORMED;
	if (read16(bytes + 2) != fd_count || fd_count > row->fds)
		return -ERR_MALFORMED;
	if (tail > row->tail || len != HEADER_LEN + row->size + tail || read32(bytes + 12) != 0)
		return -ERR_MALFORMED;
	ret_message->type = (enum msg_type)type;
	ret_message->serial = read32(bytes + 4);
	ret_message->payload = bytes + HEADER_LEN;
	ret_message->tail = bytes + HEADER_LEN + row->size;
	ret_message->tail_len = tail;
	return 0;
}

int wire_pair(int socket_type, int ret_fds[2])
{
	if (socketpair(AF_UNIX, socket_type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return -ERR_SYSTEM;
	return 0;
}

static void close_all(int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fd_closep(&fds[i]);
}

static void packet_free(struct packet *packet)
{
	close_all(packet->fds, packet->fd_count);
	mem_wipe(packet->bytes, packet->len);
	free(packet);
}

static void queue_put(struct queue *queue, struct packet *packet)
{
	if (queue->first == NULL)
		queue->last = &queue->first;
	packet->next = NULL;
	*queue->last = packet;
	queue->last = &packet->next;
	queue->bytes += packet->len;
}

static struct packet *queue_take(struct queue *queue)
{
	struct packet *packet = queue->first;

	if (packet != NULL) {
		queue->first = packet->next;
		queue->bytes -= packet->len;
	}
	return packet;
}

static void queue_drop(struct queue *queue)
{
	for (struct packet *packet; (packet = queue_take(queue)) != NULL;)
		packet_free(packet);
}

/* One packet out. 1 sent, 0 the socket is full, or -ERR_PEER_GONE. */
static int socket_send(
	int fd, const struct iovec *pieces, size_t count, const int *fds, unsigned fd_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
		struct cmsghdr align;
	} control = { { 0 } };
	struct msghdr header = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = count };

	if (fd_count > 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
	}
	for (;;) {
		if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 1;
		if (errno == EINTR)
			continue;
		return errno == EAGAIN || errno == ENOBUFS ? 0 : -ERR_PEER_GONE;
	}
}

static void take_descriptors(struct msghdr *header, int *fds, unsigned *ret_count)
{
	unsigned count = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		size_t bytes = cmsg->cmsg_len - CMSG_LEN(0);
		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
			int fd;
			memcpy(&fd, CMSG_DATA(cmsg) + at, sizeof fd);
			if (count < MESSAGE_FDS_MAX)
				fds[count++] = fd;
			else
				fd_closep(&fd);
		}
	}
	*ret_count = count;
}

/*
 * One packet in. Its length, 0 when none waits, -ERR_CLOSED when the peer sends nothing more,
 * -ERR_PEER_GONE, or -ERR_MALFORMED: longer, or with more descriptors, than any message. A peer
 * that went without reading all of ours is told first, by an error that hides what it said before:
 * read on.
 */
static ssize_t socket_receive(int fd, void *bytes, size_t size, int *fds, unsigned *ret_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec piece = { bytes, size };
	struct msghdr header = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes };
	ssize_t got;

	do {
		got = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	*ret_count = 0;
	if (got < 0)
		return errno == EAGAIN ? 0 : -ERR_PEER_GONE;
	take_descriptors(&header, fds, ret_count);
	if (got > 0 && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return got;
	bool ended = got == 0 && *ret_count == 0;
	close_all(fds, *ret_count);
	return ended ? -ERR_CLOSED : got == 0 ? -ERR_PEER_GONE : -ERR_MALFORMED;
}

static void channel_free(struct channel *channel)
{
	queue_drop(&channel->out);
	queue_drop(&channel->kept);
	if (channel->buffer != NULL)
		mem_wipe(channel->buffer, MESSAGE_MAX);
	free(channel->buffer);
	free(channel);
}

void channel_destroy(struct channel *channel)
{
	if (channel == NULL)
		return;
	watch_remove(STEAL(channel->watch));
	timer_cancel(STEAL(channel->later));
	fd_closep(&channel->fd);
	channel->doomed = true;
	if (!channel->busy)
		channel_free(channel);
}

static void channel_lost(struct channel *channel)
{
	gone_fn *gone = channel->gone;

	watch_remove(STEAL(channel->watch));
	channel->gone = NULL;
	if (gone != NULL)
		gone(channel->context, channel);
}

/* Hands one packet to the handler. False when the channel must not be used any more. */
static bool deliver(
	struct channel *channel, const uint8_t *bytes, size_t len, int *fds, unsigned fd_count)
{
	struct message message = { .fd_count = fd_count };
	for (unsigned i = 0; i < MESSAGE_FDS_MAX; i++)
		message.fds[i] = i < fd_count ? fds[i] : -1;

	int r = wire_permit(channel->peer, channel->self, bytes, len, fd_count, &message);
	if (r == 0)
		r = channel->fn(channel->context, channel, &message);
	close_all(message.fds, MESSAGE_FDS_MAX);
	if (channel->doomed)
		return false;
	if (r < 0) {
		strike(channel, r);
		channel_lost(channel);
		return false;
	}
	return true;
}

static void flush(struct channel *channel)
{
	while (channel->out.first != NULL) {
		struct packet *packet = channel->out.first;
		struct iovec piece = { packet->bytes, packet->len };
		int r = socket_send(channel->fd, &piece, 1, packet->fds, packet->fd_count);
		if (r == 0)
			break;
		packet_free(
			queue_take(&channel->out)); /* a dead peer shows itself on the next read */
	}
	if (channel->out.first == NULL && channel->said_all)
		shutdown(channel->fd, SHUT_WR);
	uint32_t events =
		(channel->heard_all ? 0 : EPOLLIN) | (channel->out.first != NULL ? EPOLLOUT : 0);
	if (channel->watch != NULL)
		watch_set(channel->watch, events);
}

void channel_last(struct channel *channel)
{
	if (channel == NULL || channel->said_all)
		return;
	channel->said_all = true;
	if (channel->out.first == NULL)
		shutdown(channel->fd, SHUT_WR);
}

/* The peer says nothing more: gone, as soon as what waits for it is sent or can never be. */
static void hear_the_end(struct channel *channel)
{
	if (channel->out.first == NULL) {
		channel_lost(channel);
		return;
	}
	channel->heard_all = true;
	watch_set(channel->watch, EPOLLOUT);
}

static bool deliver_kept(struct channel *channel)
{
	for (struct packet *packet; (packet = queue_take(&channel->kept)) != NULL;) {
		unsigned count = packet->fd_count;
		packet->fd_count = 0; /* the handler, or deliver(), owns them now */
		bool alive = deliver(channel, packet->bytes, packet->len, packet->fds, count);
		packet_free(packet);
		if (!alive)
			return false;
	}
	return true;
}

static bool receive_some(struct channel *channel)
{
	if (channel->kept.first != NULL && !deliver_kept(channel))
		return false;
	for (int i = 0; i < RECEIVE_BURST; i++) {
		int fds[MESSAGE_FDS_MAX];
		unsigned count;
		ssize_t got =
			socket_receive(channel->fd, channel->buffer, MESSAGE_MAX, fds, &count);
		if (got == 0)
			return true;
		if (got == -ERR_CLOSED) {
			hear_the_end(channel);
			return false;
		}
		if (got < 0) {
			if (got == -ERR_MALFORMED)
				strike(channel, (int)got);
			channel_lost(channel);
			return false;
		}
		if (!deliver(channel, channel->buffer, (size_t)got, fds, count))
			return false;
	}
	return true;
}

static void on_ready(void *context, uint32_t events)
{
	struct channel *channel = context;

	channel->busy = true;
	if ((events & (EPOLLOUT | EPOLLHUP)) != 0 && channel->out.first != NULL)
		flush(channel);
	if (channel->heard_all && channel->out.first == NULL)
		channel_lost(channel);
	else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !channel->heard_all)
		receive_some(channel);
	channel->busy = false;
	if (channel->doomed)
		channel_free(channel);
}

static void on_later(void *context)
{
	struct channel *channel = context;

	channel->later = NULL;
	channel->busy = true;
	deliver_kept(channel);
	channel->busy = false;
	if (channel->doomed)
		channel_free(channel);
}

int channel_create(struct loop *loop, int fd, enum party self, enum party peer, message_fn *fn,
	gone_fn *gone, void *context, struct channel **ret_channel)
{
	struct channel *channel = calloc(1, sizeof *channel);
	if (channel == NULL)
		return -ERR_SYSTEM;
	*channel = (struct channel){ .loop = loop,
		.fd = fd,
		.self = self,
		.peer = peer,
		.fn = fn,
		.gone = gone,
		.context = context };
	int size = SEND_BUFFER;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	channel->buffer = malloc(MESSAGE_MAX);
	if (channel->buffer == NULL ||
		loop_watch(loop, fd, EPOLLIN, on_ready, channel, &channel->watch) < 0) {
		channel->fd = -1;
		channel_free(channel);
		return -ERR_SYSTEM;
	}
	*ret_channel = channel;
	return 0;
}

enum party channel_peer(const struct channel *channel)
{
	return channel->peer;
}

void channel_set_generation(struct channel *channel, uint32_t generation)
{
	channel->generation = generation;
}

uint32_t channel_generation(const struct channel *channel)
{
	return channel->generation;
}

int channel_fd(const struct channel *channel)
{
	return channel->fd;
}

bool channel_idle(const struct channel *channel)
{
	return channel->out.first == NULL && channel->kept.first == NULL;
}

uint32_t channel_serial(struct channel *channel)
{
	if (++channel->serial == 0)
		channel->serial = 1;
	return channel->serial;
}

static int enqueue(struct channel *channel, const struct iovec *pieces, size_t count,
	const int *fds, unsigned fd_count)
{
	size_t len = 0;
	for (size_t i = 0; i < count; i++)
		len += pieces[i].iov_len;
	if (channel->out.bytes + len > CHANNEL_QUEUE_MAX)
		return -ERR_FULL;
	struct packet *packet = malloc(sizeof *packet + len);
	if (packet == NULL)
		return -ERR_SYSTEM;
	packet->len = 0;
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].iov_len > 0) /* no tail has no address */
			memcpy(packet->bytes + packet->len, pieces[i].iov_base, pieces[i].iov_len);
		packet->len += pieces[i].iov_len;
	}
	packet->fd_count = 0;
	for (; packet->fd_count < fd_count; packet->fd_count++) {
		int copy = fcntl(fds[packet->fd_count], F_DUPFD_CLOEXEC, 0);
		if (copy < 0) {
			packet_free(packet);
			return -ERR_SYSTEM;
		}
		packet->fds[packet->fd_count] = copy;
	}
	queue_put(&channel->out, packet);
	if (channel->watch != NULL)
		watch_set(channel->watch, EPOLLIN | EPOLLOUT);
	return 0;
}

int channel_send(struct channel *channel, enum msg_type type, uint32_t serial, const void *payload,
	const void *tail, size_t tail_len, const int *fds, unsigned fd_count)
{
	const struct row *row = &rows[type];
	uint8_t header[HEADER_LEN] = { 0 };
	struct iovec pieces[3] = { { header, HEADER_LEN }, { (void *)payload, row->size },
		{ (void *)tail, tail_len } };

	if (channel == NULL)
		return -ERR_PEER_GONE;
	assert(party_allowed(row->from, channel->self) && party_allowed(row->to, channel->peer));
	assert(tail_len <= row->tail && fd_count <= row->fds);
	memcpy(header, &(uint16_t){ (uint16_t)type }, 2);
	memcpy(header + 2, &(uint16_t){ (uint16_t)fd_count }, 2);
	memcpy(header + 4, &serial, 4);
	memcpy(header + 8, &(uint32_t){ (uint32_t)tail_len }, 4);
	if (channel->fd < 0 || channel->said_all)
		return -ERR_PEER_GONE;
	if (channel->out.first == NULL) {
		int r = socket_send(channel->fd, pieces, 3, fds, fd_count);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return enqueue(channel, pieces, 3, fds, fd_count);
}

static int keep(
	struct channel *channel, const uint8_t *bytes, size_t len, const int *fds, unsigned count)
{
	struct packet *packet = malloc(sizeof *packet + len);

	if (packet == NULL || channel->kept.bytes + len > CHANNEL_QUEUE_MAX) {
		free(packet);
		return -ERR_FULL;
	}
	packet->len = len;
	memcpy(packet->bytes, bytes, len);
	packet->fd_count = count;
	memcpy(packet->fds, fds, sizeof(int) * count);
	queue_put(&channel->kept, packet);
	if (channel->later == NULL)
		return loop_after(channel->loop, 0, on_later, channel, &channel->later);
	return 0;
}

/* Sleeps until the socket is ready. 0, -ERR_TIMED_OUT. */
static int wait_ready(struct channel *channel, uint64_t deadline)
{
	uint64_t now = clock_monotonic_ms();
	if (now >= deadline)
		return -ERR_TIMED_OUT;
	struct pollfd ready = { .fd = channel->fd, .events = POLLIN };
	if (channel->out.first != NULL)
		ready.events |= POLLOUT;
	if (poll(&ready, 1, (int)(deadline - now)) < 0 && errno != EINTR)
		return -ERR_SYSTEM;
	if ((ready.revents & POLLOUT) != 0)
		flush(channel);
	return 0;
}

void channel_flush(struct channel *channel, unsigned ms)
{
	uint64_t deadline = clock_monotonic_ms() + ms;

	while (channel->out.first != NULL) {
		struct pollfd ready = { .fd = channel->fd, .events = POLLOUT };
		uint64_t now = clock_monotonic_ms();
		if (now >= deadline || poll(&ready, 1, (int)(deadline - now)) <= 0)
			return;
		flush(channel);
	}
}

static void reply_fill(struct message *reply, unsigned count, const int *fds)
{
	reply->fd_count = count;
	for (unsigned i = 0; i < MESSAGE_FDS_MAX; i++)
		reply->fds[i] = i < count ? fds[i] : -1;
}

int channel_ask(struct channel *channel, enum msg_type type, const void *payload, const void *tail,
	size_t tail_len, const int *fds, unsigned fd_count, enum msg_type expect, unsigned ms,
	struct message *ret_reply)
{
	if (channel == NULL)
		return -ERR_PEER_GONE;
	uint64_t deadline = clock_monotonic_ms() + ms;
	uint32_t serial = channel_serial(channel);
	int r = channel_send(channel, type, serial, payload, tail, tail_len, fds, fd_count);
	CLEANUP(mem_freep) uint8_t *bytes = malloc(MESSAGE_MAX);
	if (bytes == NULL)
		return -ERR_SYSTEM;
	while (r == 0) {
		int got_fds[MESSAGE_FDS_MAX];
		unsigned count;
		ssize_t got = socket_receive(channel->fd, bytes, MESSAGE_MAX, got_fds, &count);
		if (got == -ERR_PEER_GONE || got == -ERR_CLOSED)
			return -ERR_PEER_GONE;
		if (got == 0) {
			r = wait_ready(channel, deadline);
			continue;
		}
		struct message reply = { 0 };
		r = got < 0 ? -ERR_MALFORMED
			    : wire_permit(channel->peer, channel->self, bytes, (size_t)got, count,
				      &reply);
		if (r < 0) { /* the loop will find the channel closed */
			strike(channel, r);
			shutdown(channel->fd, SHUT_RDWR);
		}
		if (r == 0 && reply.type == expect && reply.serial == serial) {
			reply_fill(&reply, count, got_fds);
			*ret_reply = reply;
			(void)STEAL(bytes); /* message_finish() frees it */
			return 0;
		}
		if (r == 0)
			r = keep(channel, bytes, (size_t)got, got_fds, count);
		if (r < 0)
			close_all(got_fds, count);
	}
	return r;
}

void message_finish(struct message *message)
{
	uint8_t *bytes = (uint8_t *)message->payload;

	close_all(message->fds, MESSAGE_FDS_MAX);
	if (bytes != NULL) {
		bytes -= HEADER_LEN;
		mem_wipe(bytes, HEADER_LEN + message_size(message->type) + message->tail_len);
		free(bytes);
	}
	memset(message, 0, sizeof *message);
	for (unsigned i = 0; i < MESSAGE_FDS_MAX; i++)
		message->fds[i] = -1;
}
