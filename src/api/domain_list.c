/* SPDX-License-Identifier: Apache-2.0 */
/* domain list: all that are registered. */
#include "api/control.h"
#include "api/endpoints.h"

static const struct field fields[] = { LIST_FIELDS, {} };

static int keep(void *context, const struct domain_row *domain)
{
	struct json *json = call_json(context);
	json_open_object(json, NULL);
	json_id(json, "id", domain->id);
	json_text(json, "name", domain->name);
	json_time(json, "created_at", domain->created_at);
	json_close_object(json);
	return call_list_row(context, domain->id);
}

static int write_page(struct call *call, const struct store_page *page)
{
	return store_domain_page(call_store(call), page, keep, call);
}

static int answer(struct broker *broker, struct call *call)
{
	return call_list(call, "domains", write_page);
}

const struct endpoint control_domain_list = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "domain/list",
	.need = NEED_READ,
	.fields = fields,
	.message = "Domains",
	.answer = answer,
};
