/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire.c"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the headers above first */
#include <cmocka.h>

/* Both ends of a broker-vault pair on one loop; the vault end answers, the broker end asks. */
struct pair {
	struct loop *loop;
	struct channel *broker, *vault;
	unsigned got, gone;
	enum msg_type last;
	int fd;
};

static int on_broker(void *context, struct channel *channel, struct message *message)
{
	struct pair *pair = context;
	pair->got++;
	pair->last = message->type;
	return 0;
}

static int on_vault(void *context, struct channel *channel, struct message *message)
{
	struct pair *pair = context;
	pair->got++;
	pair->last = message->type;
	if (message->fd_count > 0)
		pair->fd = STEAL_FD(message->fds[0]);
	if (message->type == MSG_VAULT_STATUS) {
		struct msg_session other;
		struct msg_vault_state state;
		memset(&other, 0, sizeof other);
		memset(&state, 0, sizeof state);
		state.key_version = 7;
		other.session = 4711;
		channel_tell(channel, MSG_SECRET_WANTED, &other); /* something else comes first */
		channel_send(channel, MSG_VAULT_STATE, message->serial, &state, NULL, 0, NULL, 0);
	}
	if (message->type == MSG_ROTATE)
		return -ERR_MALFORMED;
	loop_stop(pair->loop);
	return 0;
}

static void on_pair_gone(void *context, struct channel *channel)
{
	struct pair *pair = context;
	pair->gone++;
	if (channel == pair->vault)
		pair->vault = NULL;
	else
		pair->broker = NULL;
	channel_destroy(channel);
	loop_stop(pair->loop);
}

static int setup(void **state)
{
	struct pair *pair = calloc(1, sizeof *pair);
	int fds[2];
	assert_int_equal(wire_pair(SOCK_SEQPACKET, fds), 0);
	assert_int_equal(loop_create(&pair->loop), 0);
	pair->fd = -1;
	assert_int_equal(channel_create(pair->loop, fds[0], PARTY_BROKER, PARTY_VAULT, on_broker,
				 on_pair_gone, pair, &pair->broker),
		0);
	assert_int_equal(channel_create(pair->loop, fds[1], PARTY_VAULT, PARTY_BROKER, on_vault,
				 on_pair_gone, pair, &pair->vault),
		0);
	*state = pair;
	return 0;
}

static int teardown(void **state)
{
	struct pair *pair = *state;
	channel_destroy(pair->broker);
	channel_destroy(pair->vault);
	fd_closep(&pair->fd);
	loop_destroy(pair->loop);
	free(pair);
	return 0;
}

/* Builds a packet of any row, right or wrong. */
static size_t packet_of(uint8_t *out, uint16_t type, uint16_t fds, uint32_t tail, size_t body)
{
	memset(out, 0, HEADER_LEN + body);
	memcpy(out, &type, 2);
	memcpy(out + 2, &fds, 2);
	memcpy(out + 8, &tail, 4);
	return HEADER_LEN + body;
}

/* Every row passes from its sender to its receiver, and from nobody else. */
static void permits_exactly_the_rows(void **state)
{
	uint8_t *packet = calloc(1, MESSAGE_MAX);
	struct message message;
	unsigned passed = 0;

	for (unsigned type = 0; type < MSG_COUNT; type++) {
		size_t len =
			packet_of(packet, (uint16_t)type, 0, 0, message_size((enum msg_type)type));
		for (enum party from = PARTY_SUPERVISOR; from < PARTY_COUNT; from++) {
			for (enum party to = PARTY_SUPERVISOR; to < PARTY_COUNT; to++) {
				int r = wire_permit(from, to, packet, len, 0, &message);
				int expected = type != MSG_NONE &&
					       party_allowed(rows[type].from, from) &&
					       party_allowed(rows[type].to, to);
				assert_int_equal(r, expected ? 0 : -ERR_MALFORMED);
				passed += r == 0;
			}
		}
	}
	assert_true(passed >= MSG_COUNT - 1);
	free(packet);
}

static void refuses_wrong_sizes(void **state)
{
	uint8_t *packet = calloc(1, MESSAGE_MAX);
	struct message message;
	size_t size = sizeof(struct msg_redeem);
	size_t len = packet_of(packet, MSG_TICKET_REDEEM, 0, 0, size);

	assert_int_equal(wire_permit(PARTY_FRONT, PARTY_BROKER, packet, len, 0, &message), 0);
	for (size_t cut = 0; cut < len; cut += 7)
		assert_int_equal(wire_permit(PARTY_FRONT, PARTY_BROKER, packet, cut, 0, &message),
			-ERR_MALFORMED);
	assert_int_equal(wire_permit(PARTY_FRONT, PARTY_BROKER, packet, len - 1, 0, &message),
		-ERR_MALFORMED);
	assert_int_equal(
		wire_permit(PARTY_FRONT, PARTY_BROKER, packet, len, 1, &message), -ERR_MALFORMED);
	len = packet_of(
		packet, MSG_TICKET_REDEEM, 0, 1, size + 1); /* a tail where the row has none */
	assert_int_equal(
		wire_permit(PARTY_FRONT, PARTY_BROKER, packet, len, 0, &message), -ERR_MALFORMED);
	len = packet_of(
		packet, MSG_TICKET_REDEEM, 1, 0, size); /* a descriptor where the row has none */
	assert_int_equal(
		wire_permit(PARTY_FRONT, PARTY_BROKER, packet, len, 1, &message), -ERR_MALFORMED);
	len = packet_of(packet, MSG_API_REPLY, 0, REPLY_PART_MAX + 1,
		sizeof(struct msg_api_reply) + REPLY_PART_MAX + 1);
	assert_int_equal(
		wire_permit(PARTY_BROKER, PARTY_FRONT, packet, len, 0, &message), -ERR_MALFORMED);
	len = packet_of(packet, MSG_COUNT, 0, 0, 8);
	assert_int_equal(
		wire_permit(PARTY_BROKER, PARTY_FRONT, packet, len, 0, &message), -ERR_MALFORMED);
	free(packet);
}

static void carries_payload_tail_and_descriptor(void **state)
{
	struct pair *pair = *state;
	struct msg_grant grant;
	int pipe_ends[2];
	char byte = 0;

	memset(&grant, 0, sizeof grant);
	assert_int_equal(pipe(pipe_ends), 0);
	assert_int_equal(channel_send(pair->broker, MSG_SECRET_GRANT, 0, &grant, "envelope", 8,
				 &pipe_ends[1], 1),
		0);
	loop_run(pair->loop);
	assert_int_equal(pair->last, MSG_SECRET_GRANT);
	assert_int_equal(write(pair->fd, "x", 1), 1);
	assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static void *answer_in_thread(void *context)
{
	loop_run(((struct pair *)context)->loop);
	return NULL;
}

/* The answer overtakes nothing: what came before it is handled by the loop afterwards. */
static void asks_and_keeps_the_rest(void **state)
{
	struct pair *pair = *state;
	struct msg_nothing nothing = { 0 };
	struct message reply;
	struct loop *other;
	int fds[2];

	/* the answering side needs a loop of its own, in a child */
	assert_int_equal(wire_pair(SOCK_SEQPACKET, fds), 0);
	assert_int_equal(loop_create(&other), 0);
	pid_t child = fork();
	if (child == 0) {
		struct pair mine = { .loop = other, .fd = -1 };
		close(fds[0]);
		channel_create(other, fds[1], PARTY_VAULT, PARTY_BROKER, on_vault, on_pair_gone,
			&mine, &mine.vault);
		answer_in_thread(&mine);
		_exit(0);
	}
	close(fds[1]);
	struct channel *asking;
	assert_int_equal(channel_create(pair->loop, fds[0], PARTY_BROKER, PARTY_VAULT, on_broker,
				 on_pair_gone, pair, &asking),
		0);
	assert_int_equal(channel_ask(asking, MSG_VAULT_STATUS, &nothing, NULL, 0, NULL, 0,
				 MSG_VAULT_STATE, 5000, &reply),
		0);
	assert_int_equal(((const struct msg_vault_state *)reply.payload)->key_version, 7);
	message_finish(&reply);
	assert_int_equal(pair->got, 0);
	pair->broker = (channel_destroy(pair->broker), asking);
	loop_run(pair->loop); /* the kept message, then the child's end */
	assert_int_equal(pair->got, 1);
	assert_int_equal(pair->last, MSG_SECRET_WANTED);
	loop_destroy(other);
}

static void asking_a_dead_peer_fails(void **state)
{
	struct pair *pair = *state;
	struct msg_nothing nothing = { 0 };
	struct message reply;

	channel_destroy(pair->vault);
	pair->vault = NULL;
	assert_int_equal(channel_ask(pair->broker, MSG_VAULT_STATUS, &nothing, NULL, 0, NULL, 0,
				 MSG_VAULT_STATE, 200, &reply),
		-ERR_PEER_GONE);
	loop_run(pair->loop);
	assert_int_equal(pair->gone, 1);
	assert_null(pair->broker);
}

static void silence_times_out(void **state)
{
	struct pair *pair = *state;
	struct msg_nothing nothing = { 0 };
	struct message reply;

	assert_int_equal(channel_ask(pair->broker, MSG_VAULT_STATUS, &nothing, NULL, 0, NULL, 0,
				 MSG_VAULT_STATE, 50, &reply),
		-ERR_TIMED_OUT);
}

static void a_handler_error_ends_the_channel(void **state)
{
	struct pair *pair = *state;
	struct msg_nothing nothing = { 0 };

	assert_int_equal(channel_tell(pair->broker, MSG_ROTATE, &nothing), 0);
	loop_run(pair->loop);
	assert_int_equal(pair->gone, 1);
	assert_null(pair->vault);
}

struct strike {
	unsigned count;
	enum party peer;
	int why;
};

static void on_pair_struck(void *context, const struct channel *channel, int why)
{
	struct strike *strike = context;

	strike->count++;
	strike->peer = channel_peer(channel);
	strike->why = why;
}

/* Told before the channel is gone, once, with who it was and whose fault. */
static void a_strike_is_told(void **state)
{
	struct pair *pair = *state;
	struct msg_nothing nothing = { 0 };
	struct strike strike = { 0 };
	uint8_t packet[HEADER_LEN + 8];

	wire_on_strike(on_pair_struck, &strike);
	assert_int_equal(channel_tell(pair->broker, MSG_ROTATE, &nothing), 0);
	loop_run(pair->loop);
	assert_int_equal(strike.count, 1);
	assert_int_equal(strike.peer, PARTY_BROKER);
	assert_int_equal(strike.why, -ERR_MALFORMED);
	loop_run(pair->loop); /* the other end finds its peer gone, which is no strike */
	assert_int_equal(pair->gone, 2);
	assert_int_equal(strike.count, 1);
	assert_int_equal(teardown(state) | setup(state), 0);
	pair = *state;
	packet_of(packet, MSG_COUNT, 0, 0, 0);
	assert_int_equal(write(channel_fd(pair->vault), packet, HEADER_LEN), HEADER_LEN);
	loop_run(pair->loop);
	assert_int_equal(strike.count, 2);
	assert_int_equal(strike.peer, PARTY_VAULT);
	assert_null(pair->broker);
	assert_int_equal(teardown(state) | setup(state), 0);
	pair = *state;
	static uint8_t longer[MESSAGE_MAX + 1] = { MSG_VAULT_STATE };
	assert_int_equal(write(channel_fd(pair->vault), longer, sizeof longer), sizeof longer);
	loop_run(pair->loop);
	assert_int_equal(strike.count, 3);
	wire_on_strike(NULL, NULL);
}

/* An answer that is none: the question fails at once, and the channel is of no further use. */
static void a_wrong_answer_is_a_strike(void **state)
{
	struct pair *pair = *state;
	struct msg_nothing nothing = { 0 };
	struct strike strike = { 0 };
	struct message reply;
	uint8_t packet[HEADER_LEN];

	wire_on_strike(on_pair_struck, &strike);
	packet_of(packet, MSG_VAULT_STATE, 0, 0, 0);
	assert_int_equal(write(channel_fd(pair->vault), packet, HEADER_LEN), HEADER_LEN);
	assert_int_equal(channel_ask(pair->broker, MSG_VAULT_STATUS, &nothing, NULL, 0, NULL, 0,
				 MSG_VAULT_STATE, 5000, &reply),
		-ERR_MALFORMED);
	assert_int_equal(strike.count, 1);
	assert_int_equal(strike.peer, PARTY_VAULT);
	while (pair->broker != NULL)
		loop_run(pair->loop);
	assert_int_equal(strike.count, 1);
	wire_on_strike(NULL, NULL);
}

/* What the socket does not take is queued, up to the ceiling, and arrives in order. */
static void queues_to_its_ceiling(void **state)
{
	struct pair *pair = *state;
	struct msg_seal seal;
	uint8_t *tail = calloc(1, SEALED_MAX);
	unsigned sent = 0;
	int r;

	memset(&seal, 0, sizeof seal);
	while ((r = channel_send(pair->broker, MSG_REWRAP, 0, &seal, tail, SEALED_MAX, NULL, 0)) ==
		0)
		sent++;
	assert_int_equal(r, -ERR_FULL);
	assert_true(sent * SEALED_MAX >= CHANNEL_QUEUE_MAX - SEALED_MAX);
	while (pair->got < sent)
		loop_run(pair->loop);
	assert_int_equal(pair->got, sent);
	free(tail);
}

/* The vault is told a lot, then the end: all of it arrives, and what it says meanwhile is heard. */
static void last_words_arrive_whole(void **state)
{
	struct pair *pair = *state;
	struct msg_seal seal;
	struct msg_session other = { .session = 4711 };
	uint8_t *tail = calloc(1, SEALED_MAX);
	unsigned sent = 0;

	memset(&seal, 0, sizeof seal);
	while (pair->broker->out.bytes < 1024 * 1024) {
		assert_int_equal(
			channel_send(pair->broker, MSG_REWRAP, 0, &seal, tail, SEALED_MAX, NULL, 0),
			0);
		sent++;
	}
	assert_false(channel_idle(pair->broker));
	channel_last(pair->broker);
	channel_last(pair->broker);
	channel_last(NULL);
	assert_int_equal(
		channel_tell(pair->broker, MSG_GRANT_END, &other), -ERR_PEER_GONE); /* said all */
	channel_tell(pair->vault, MSG_SECRET_WANTED, &other);
	while (pair->vault != NULL)
		loop_run(pair->loop);
	assert_int_equal(pair->got, sent + 1);
	assert_int_equal(pair->gone, 1);
	while (pair->broker != NULL)
		loop_run(pair->loop);
	free(tail);
}

/* Who says nothing more still gets what was queued for him. */
static void answers_reach_who_said_all(void **state)
{
	struct pair *pair = *state;
	struct msg_sealed sealed;
	uint8_t *tail = calloc(1, SEALED_MAX);
	unsigned sent = 0;

	memset(&sealed, 0, sizeof sealed);
	while (pair->vault->out.bytes < 1024 * 1024) {
		assert_int_equal(channel_send(pair->vault, MSG_SEALED, 0, &sealed, tail, SEALED_MAX,
					 NULL, 0),
			0);
		sent++;
	}
	channel_last(pair->broker);
	while (pair->vault != NULL)
		loop_run(pair->loop);
	assert_int_equal(pair->gone, 1);
	while (pair->broker != NULL)
		loop_run(pair->loop);
	assert_int_equal(pair->got, sent);
	free(tail);
}

/* A peer that dies with unread messages leaves an error in the way of what it had said. */
static void an_abrupt_end_hides_nothing(void **state)
{
	struct pair *pair = *state;
	struct msg_session other = { .session = 4711 };

	channel_tell(pair->broker, MSG_GRANT_END, &other); /* never read */
	channel_tell(pair->vault, MSG_SECRET_WANTED, &other);
	channel_tell(pair->vault, MSG_SECRET_WANTED, &other);
	channel_destroy(STEAL(pair->vault));
	while (pair->broker != NULL)
		loop_run(pair->loop);
	assert_int_equal(pair->got, 2);
}

/* And one that dies while much waits for it holds nobody up. */
static void nothing_waits_for_the_dead(void **state)
{
	struct pair *pair = *state;
	struct msg_sealed sealed;
	uint8_t *tail = calloc(1, SEALED_MAX);

	memset(&sealed, 0, sizeof sealed);
	while (pair->vault->out.bytes < 1024 * 1024)
		assert_int_equal(channel_send(pair->vault, MSG_SEALED, 0, &sealed, tail, SEALED_MAX,
					 NULL, 0),
			0);
	channel_destroy(STEAL(pair->broker));
	while (pair->vault != NULL)
		loop_run(pair->loop);
	assert_int_equal(pair->gone, 1);
	free(tail);
}

static void text_must_end_and_be_utf8(void **state)
{
	assert_true(text_valid("abc", 4));
	assert_false(text_valid("abcd", 4));
	assert_false(text_valid("\xff\xfe", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(permits_exactly_the_rows),
		cmocka_unit_test(refuses_wrong_sizes),
		cmocka_unit_test(text_must_end_and_be_utf8),
		cmocka_unit_test_setup_teardown(
			carries_payload_tail_and_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(asks_and_keeps_the_rest, setup, teardown),
		cmocka_unit_test_setup_teardown(asking_a_dead_peer_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_times_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_handler_error_ends_the_channel, setup, teardown),
		cmocka_unit_test_setup_teardown(a_strike_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wrong_answer_is_a_strike, setup, teardown),
		cmocka_unit_test_setup_teardown(queues_to_its_ceiling, setup, teardown),
		cmocka_unit_test_setup_teardown(last_words_arrive_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_reach_who_said_all, setup, teardown),
		cmocka_unit_test_setup_teardown(an_abrupt_end_hides_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_waits_for_the_dead, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
