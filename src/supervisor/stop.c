/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "base/log.h"
#include "base/mem.h"
#include "supervisor/reload.h"
#include "supervisor/services.h"

#define STOP_MS 5000 /* for each kind of process */

/* The order of the end: nobody new, recordings sealed, facts written and witnessed, keys wiped. */
static const enum service_id order[] = { SERVICE_FRONT, SERVICE_RECORDER, SERVICE_BROKER,
	SERVICE_WITNESS, SERVICE_VAULT };

/* The first of this kind that still runs, of whichever generation, after `after` (NULL: any). */
static struct service *next_running(
	struct supervisor *supervisor, enum service_id id, const struct service *after)
{
	struct service *service = services_next(supervisor, after);

	while (service != NULL && (service->id != id || service->pid <= 0))
		service = services_next(supervisor, service);
	return service;
}

/* At this stage, or at the next at which there is somebody. */
static struct service *at_stage(struct supervisor *supervisor)
{
	for (; supervisor->stopping <= (int)ARRAY_LEN(order); supervisor->stopping++) {
		struct service *service =
			next_running(supervisor, order[supervisor->stopping - 1], NULL);
		if (service != NULL)
			return service;
	}
	return NULL;
}

static void on_overdue(void *context)
{
	struct supervisor *supervisor = context;
	struct service *service = at_stage(supervisor);

	supervisor->stop_timer = NULL;
	for (; service != NULL; service = next_running(supervisor, service->id, service)) {
		log_warning("service.stop", "%s did not end in time", service->program);
		kill(service->pid, SIGKILL);
	}
}

/* Called again whenever one has ended, be it the one that was asked or another. */
static void next_stage(struct supervisor *supervisor)
{
	struct service *service = at_stage(supervisor);
	bool asked = false;

	if (service == NULL) {
		loop_stop(supervisor->loop);
		return;
	}
	for (; service != NULL; service = next_running(supervisor, service->id, service)) {
		if (!service->wanted) /* asked already */
			continue;
		service->wanted = false;
		service_tell(service, MSG_STOP);
		asked = true;
	}
	if (!asked)
		return;
	timer_cancel(STEAL(supervisor->stop_timer));
	loop_after(supervisor->loop, STOP_MS, on_overdue, supervisor, &supervisor->stop_timer);
}

void services_end(struct supervisor *supervisor)
{
	if (supervisor->stopping != 0)
		return;
	reload_cancel(supervisor);
	supervisor->stopping = 1;
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		timer_cancel(STEAL(supervisor->services[i]->restart));
	next_stage(supervisor);
}

void services_stop(struct supervisor *supervisor)
{
	if (supervisor->stopping == 0 || supervisor->renew)
		manager_tell("STOPPING=1");
	supervisor->renew = false;
	services_end(supervisor);
}

void stop_reaped(struct supervisor *supervisor)
{
	next_stage(supervisor);
}
