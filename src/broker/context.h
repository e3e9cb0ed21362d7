/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/broker.h"
#include "broker/early.h"
#include "broker/ending.h"
#include "broker/head.h"
#include "broker/node.h"
#include "broker/peers.h"
#include "broker/renewal.h"
#include "broker/reserve.h"
#include "broker/rotation.h"
#include "broker/session.h"
#include "broker/steady.h"
#include "broker/turn.h"
#include "broker/witness.h"
#include "store/store.h"
#include "wire/process.h"

/* The broker's context: one per process, passed to everything, known only to src/broker. */
struct calls {
	struct call *free, *deferred;
	struct call *lists; /* whose next page was not asked for yet */
	unsigned free_count, used;
};
struct broker {
	struct process process;
	struct loop *loop;
	const struct settings *settings;
	struct way *way; /* to the store, until it is open; NULL: it lies in our directory */
	struct store *store;
	struct node node;
	struct peer *peers;
	uint64_t peers_met;
	struct channel *vault,
		*recorder;     /* of the peers, the ones that take what is new; or NULL */
	bool retiring, last;   /* another broker follows; this one ends */
	struct strays *strays; /* workers whose session nobody here knows */
	struct renewal renewal;
	struct control *control;
	struct throttle *throttle;
	struct routes *routes;
	struct prover *prover; /* verifies what pages sign */
	struct turn turn;
	bool broken; /* the store cannot be written any more: this process ends */
	struct audit audit;
	struct head head;
	struct early early;
	struct witness_link witness;
	struct reserve reserve;
	struct steady steady; /* the clock that lifetimes go by */
	uint8_t handle_key[HASH_LEN];
	struct calls calls;
	const struct call *answering;       /* whose answer() runs now: the actor of what it does */
	struct msg_vault_state vault_state; /* as it was heard last */
	bool vault_known;
	struct msg_releases_head releases; /* of the vault's own log, as it was heard last */
	bool releases_known;
	struct later *laters; /* calls that wait for the vault */
	struct rotation rotation;
	struct sessions sessions;
	struct probes *probes;
	struct figures figures;
	struct timer *tick;
	struct expiry_cursor
		expired;   /* the authorization whose sessions were ended last for that */
	uint64_t sweep_at; /* monotonic: when old rows are removed next */
	unsigned titled;   /* live sessions in the title of ps */
	bool title_set;
};
