/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/supervisor.h"

/* services.c: the services of the generation in charge and who knows whom. */
void services_init(struct supervisor *supervisor);
int services_start(struct supervisor *supervisor);
int service_create(struct supervisor *supervisor, enum service_id id, uint32_t generation,
	struct service **ret_service);
int service_start(struct service *service);              /* GO is still to be said */
int service_adopt(struct service *service, int channel); /* after a takeover; takes channel */
void service_go(struct service *service);
void service_tell(struct service *service, enum msg_type type); /* one without content */
/* A channel between the two, when both run and have to do with each other; NULL is fine. */
void service_introduce(struct service *one, struct service *other);
bool service_asks(const struct service *asking, const struct service *asked);
void service_restart_later(struct service *service);
/* It ends in order, and starts again if the settings want it still. */
void service_renew(struct service *service);
void services_reaped(struct supervisor *supervisor, struct service *service, int status);
struct service *service_find(struct supervisor *supervisor, pid_t pid);
/* One after the other, from NULL to NULL: those in charge, then the retired ones. */
struct service *services_next(const struct supervisor *supervisor, const struct service *after);
unsigned service_uid(const struct supervisor *supervisor, enum party party);

/* Older ones, that finish what they have. */
bool service_retired(const struct service *service); /* it is one of them */
unsigned services_retired(const struct supervisor *supervisor);
void services_retire(struct supervisor *supervisor, struct service *service); /* takes it */
void services_finish(struct supervisor *supervisor);  /* forgets all; processes are not touched */
void generations_tell(struct supervisor *supervisor); /* the broker: what runs */

/* stop.c: in order, each with its time. */
void services_end(struct supervisor *supervisor);
/* And with them the gateway, also when it would have begun anew; the service manager hears it. */
void services_stop(struct supervisor *supervisor);
void stop_reaped(struct supervisor *supervisor); /* one of them has ended */
