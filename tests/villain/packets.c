/* SPDX-License-Identifier: Apache-2.0 */
#include "packets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define HEADER_LEN 16
#define SEND_BUFFER (1024 * 1024)

static const struct row {
	enum party from, to;
	size_t size, tail;
	unsigned fds;
} rows[MSG_COUNT] = {
#define MSG(name, from, to, payload, tail, fds)                                                    \
	[MSG_##name] = { PARTY_##from, PARTY_##to, sizeof(payload), tail, fds },
#include "wire/messages.def"
#undef MSG
};

static bool party_allowed(enum party allowed, enum party party)
{
	return allowed == party || allowed == PARTY_ANY;
}

static void close_all(int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fd_closep(&fds[i]);
}

void packets_seed(struct packets *packets, uint64_t seed)
{
	packets->random = seed * 2 + 1; /* never 0 */
	packets->fd_count = 0;
}

uint64_t packets_draw(struct packets *packets, uint64_t below)
{
	packets->random ^= packets->random << 13;
	packets->random ^= packets->random >> 7;
	packets->random ^= packets->random << 17;
	return (packets->random >> 11) % below;
}

static void fill(struct packets *packets, uint8_t *bytes, size_t len)
{
	unsigned how = (unsigned)packets_draw(packets, 4);

	for (size_t i = 0; i < len; i++)
		bytes[i] = how == 0   ? 0
			   : how == 1 ? (uint8_t)packets_draw(packets, 256)
			   : how == 2 ? (uint8_t)(packets_draw(packets, 6) == 0
							  ? 0
							  : 'a' + packets_draw(packets, 26))
				      : 0xff;
}

/* Memory, a pipe's end, a socket, a directory: whatever a descriptor may turn out to be. */
static int any_descriptor(struct packets *packets)
{
	int ends[2];

	switch (packets_draw(packets, 4)) {
	case 0:
		return memfd_create("thing", MFD_CLOEXEC);
	case 1:
		if (pipe2(ends, O_CLOEXEC) < 0)
			abort();
		break;
	case 2:
		if (wire_pair(SOCK_STREAM, ends) < 0)
			abort();
		break;
	default:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	int keep = (int)packets_draw(packets, 2);
	close(ends[!keep]);
	return ends[keep];
}

static void set_header(struct packets *packets, unsigned type, unsigned fds, uint32_t tail)
{
	memset(packets->bytes, 0, HEADER_LEN);
	memcpy(packets->bytes, &(uint16_t){ (uint16_t)type }, 2);
	memcpy(packets->bytes + 2, &(uint16_t){ (uint16_t)fds }, 2);
	memcpy(packets->bytes + 4, &(uint32_t){ (uint32_t)packets_draw(packets, 8) }, 4);
	memcpy(packets->bytes + 8, &tail, 4);
}

/* These do what they say, to the end or for long: no rubbish fits into them. */
static bool meant(unsigned type)
{
	return type == MSG_ROTATE || type == MSG_STOP_ASK;
}

static bool is_ours(unsigned type, enum party peer, enum party self)
{
	return party_allowed(rows[type].from, peer) && party_allowed(rows[type].to, self);
}

/* The witness knows the recorder and has nothing to say to it. */
static bool any_ours(enum party peer, enum party self)
{
	for (unsigned type = 1; type < MSG_COUNT; type++)
		if (is_ours(type, peer, self) && !meant(type))
			return true;
	return false;
}

static unsigned pick_row(struct packets *packets, enum party peer, enum party self, bool ours)
{
	if (ours && !any_ours(peer, self))
		ours = false;
	for (;;) {
		unsigned type = 1 + (unsigned)packets_draw(packets, MSG_COUNT - 1);
		if (is_ours(type, peer, self) == ours && !(ours && meant(type)))
			return type;
	}
}

/* A packet as it should be, but for its content. */
static void make_right(struct packets *packets, unsigned type)
{
	const struct row *row = &rows[type];
	size_t tail = packets_draw(packets, 3) == 0 ? packets_draw(packets, row->tail + 1)
						    : packets_draw(packets, MIN(row->tail, 64) + 1);
	unsigned fds = (unsigned)packets_draw(packets, row->fds + 1);

	set_header(packets, type, fds, (uint32_t)tail);
	fill(packets, packets->bytes + HEADER_LEN, row->size);
	fill(packets, packets->bytes + HEADER_LEN + row->size, tail);
	packets->len = HEADER_LEN + row->size + tail;
	for (packets->fd_count = 0; packets->fd_count < fds; packets->fd_count++)
		packets->fds[packets->fd_count] = any_descriptor(packets);
}

/* One thing about it made wrong. */
static void make_wrong(struct packets *packets)
{
	switch (packets_draw(packets, 7)) {
	case 0:
		packets->len += 1 + packets_draw(packets, 16);
		break;
	case 1:
		packets->len = packets_draw(packets, packets->len);
		break;
	case 2:
		packets->bytes[2] = (uint8_t)(packets->bytes[2] + 1 + packets_draw(packets, 250));
		break;
	case 3:
		packets->bytes[8 + packets_draw(packets, 4)] ^=
			(uint8_t)(1 + packets_draw(packets, 255));
		break;
	case 4:
		packets->bytes[12 + packets_draw(packets, 4)] =
			(uint8_t)(1 + packets_draw(packets, 255));
		break;
	case 5:
		packets->bytes[packets_draw(packets, 2)] = (uint8_t)packets_draw(packets, 256);
		break;
	default: /* more descriptors than it says, and than any row has */
		while (packets->fd_count < 1 + packets_draw(packets, 7))
			packets->fds[packets->fd_count++] = any_descriptor(packets);
	}
	if (packets->len == 0) /* an empty packet would look like the end */
		packets->len = 1;
}

bool packets_make(struct packets *packets, enum party peer, enum party self)
{
	uint64_t kind = packets_draw(packets, 20);
	struct message message;

	packets->fd_count = 0;
	if (kind < 3) {
		packets->len = 1 + packets_draw(packets,
					   packets_draw(packets, 8) == 0 ? MESSAGE_MAX : 200);
		fill(packets, packets->bytes, packets->len);
	} else {
		make_right(packets, pick_row(packets, peer, self, kind < 16));
		if (kind < 12)
			make_wrong(packets);
	}
	return packets->fd_count <= MESSAGE_FDS_MAX &&
	       wire_permit(peer, self, packets->bytes, packets->len, packets->fd_count, &message) ==
		       0;
}

/* False when the channel is closed; waits for room. */
static bool send_all(
	int socket, struct iovec *pieces, size_t count, const int *fds, unsigned fd_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
		struct cmsghdr align;
	} control = { { 0 } };
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
	struct pollfd poller = { socket, POLLOUT, 0 };
	int size = SEND_BUFFER;

	setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* the largest has to fit */
	if (fd_count > 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
	}
	while (sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return false;
		poll(&poller, 1, -1);
	}
	return true;
}

bool packets_say(struct packets *packets, int fd)
{
	struct iovec piece = { packets->bytes, packets->len };
	bool said = send_all(fd, &piece, 1, packets->fds, packets->fd_count);

	close_all(packets->fds, packets->fd_count);
	return said;
}

bool packets_tell(int socket, enum msg_type type, const void *payload, int fd)
{
	uint8_t header[HEADER_LEN] = { (uint8_t)type, 0, fd >= 0 };
	struct iovec pieces[2] = { { header, HEADER_LEN }, { (void *)payload, rows[type].size } };

	return send_all(socket, pieces, 2, &fd, fd >= 0);
}

static void close_received(struct msghdr *message)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);

	for (; cmsg != NULL; cmsg = CMSG_NXTHDR(message, cmsg)) {
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof fd, sizeof fd);
			close(fd);
		}
	}
}

int packets_hear(int socket, enum msg_type *ret_type)
{
	static uint8_t bytes[MESSAGE_MAX];
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
		struct cmsghdr align;
	} control;
	struct iovec piece = { bytes, sizeof bytes };
	struct msghdr message = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got < 0)
		return errno == EAGAIN ? 0 : -1;
	close_received(&message);
	if (got < HEADER_LEN)
		return -1;
	*ret_type = (enum msg_type)(bytes[0] | bytes[1] << 8);
	return 1;
}
