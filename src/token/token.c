/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-token MODULE KEY: one question of the vault to a PKCS#11 token, and the answer. It is
 * born with a channel to the vault (descriptor 3) and the PIN (4), and dies after its answer.
 *
 * It loads code that is not ours, which may open files and sockets: that is what tokens are spoken
 * to with. So it has a uid of its own, no capability, no way to gain one, nothing of the gateway
 * within reach, and seconds to live.
 */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/mem.h"
#include "token/wrap.h"
#include "wire/process.h"
#include "wire/wire.h"

#define VAULT_FD 3
#define PIN_FD 4
#define CPU_MAX 30    /* seconds */
#define LIFE_MOST 90  /* seconds; its supervisor ends it long before */
#define PIN_NEWLINE 1 /* at the end of a file, or of what a person typed */

struct errand {
	struct wrap_place place;
	struct loop *loop;
	struct msg_token_answer *answer; /* guarded: it may hold the root key */
	bool answered;
};

static int work(const struct errand *errand, const struct msg_token_question *question)
{
	CLEANUP(secret_destroyp) struct secret *pin = NULL;
	int r = secret_read(PIN_FD, PIN_NEWLINE, &pin);
	close(PIN_FD);
	return r < 0 ? r : wrap_answer(&errand->place, question, pin, errand->answer);
}

static int on_question(void *context, struct channel *channel, struct message *message)
{
	struct errand *errand = context;
	int r = work(errand, message->payload);
	if (r < 0)
		memset(errand->answer, 0, sizeof *errand->answer);
	errand->answer->result = r;
	errand->answered = channel_send(channel, MSG_TOKEN_ANSWER, message->serial, errand->answer,
				   NULL, 0, NULL, 0) == 0;
	loop_stop(errand->loop);
	return 0;
}

static void on_gone(void *context, struct channel *channel)
{
	loop_stop(((struct errand *)context)->loop);
}

static int run(struct errand *errand)
{
	struct channel *channel;
	errand->answer = guarded_create(sizeof *errand->answer);
	if (errand->answer == NULL || loop_create(&errand->loop) < 0 ||
		channel_create(errand->loop, VAULT_FD, PARTY_TOKEN, PARTY_VAULT, on_question,
			on_gone, errand, &channel) < 0)
		return 1;
	loop_run(errand->loop);
	channel_destroy(channel);
	loop_destroy(errand->loop);
	guarded_destroy(errand->answer);
	return errand->answered ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct errand errand = { .answered = false };
	char module[URL_SIZE], key[URL_SIZE];
	if (argc != 4 || text_copy(module, sizeof module, argv[1]) < 0 ||
		text_copy(key, sizeof key, argv[2]) < 0)
		return 2;
	errand.place = (struct wrap_place){ module, key };
	process_begin_bare(argc, argv, "sallyport-token");
	process_title("%s", "asks");
	log_open("token", LOG_LEVEL_INFO);
	setrlimit(RLIMIT_CPU, &(struct rlimit){ CPU_MAX, CPU_MAX });
	alarm(LIFE_MOST);
	return run(&errand);
}
