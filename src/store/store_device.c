/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"
#include "store/store_private.h"

void read_device(struct reader *reader, struct device_row *ret_device)
{
	ret_device->id = read_integer(reader);
	read_text(reader, ret_device->hostname);
	read_text(reader, ret_device->ip);
	read_text(reader, ret_device->domain);
	ret_device->any_port = read_integer(reader) != 0;
	ret_device->created_at = read_integer(reader);
	ret_device->disabled_at = read_integer(reader);
	read_text(reader, ret_device->model);
	read_text(reader, ret_device->vendor);
	read_text(reader, ret_device->type);
	read_text(reader, ret_device->site);
	read_text(reader, ret_device->tags);
	read_text(reader, ret_device->session_remote_config);
	ret_device->changed_at = read_integer(reader);
	ret_device->owner_authorization = read_integer(reader);
}

static int keep_device(void *context, const struct value *values, unsigned count)
{
	struct reader reader = READER(values, count);
	read_device(&reader, context);
	return reader.error;
}

struct each_device {
	int (*keep)(void *, const struct device_row *);
	void *context;
	int result;
};

static int keep_each_device(void *context, const struct value *values, unsigned count)
{
	struct each_device *each = context;
	struct device_row device;
	each->result = keep_device(&device, values, count);
	if (each->result == 0)
		each->result = each->keep(each->context, &device);
	return each->result;
}

int store_device_add(struct store *store, const struct device_row *device, int64_t *ret_id)
{
	char key[HOSTNAME_SIZE];
	lower_name(key, device->hostname);
	return any_rows(RUN(store, DEVICE_ADD, keep_number, ret_id, text(device->hostname),
		text(key), text(device->ip), text(device->domain), integer(device->any_port),
		integer(device->created_at), text(device->model), text(device->vendor),
		text(device->type), text(device->site), text(device->tags),
		text(device->session_remote_config), reference(device->owner_authorization)));
}

int store_device_set(struct store *store, const struct device_row *device)
{
	return one_row(RUN(store, DEVICE_SET, NULL, NULL, integer(device->id),
			       text(device->hostname), text(device->ip), text(device->domain),
			       integer(device->any_port), text(device->model), text(device->vendor),
			       text(device->type), text(device->site), text(device->tags),
			       text(device->session_remote_config), integer(device->changed_at)),
		ERR_NOT_FOUND);
}

int store_device_set_disabled(struct store *store, int64_t id, int64_t at, int64_t now)
{
	int r = atom_begin(store);
	if (r < 0)
		return r;
	r = one_row(
		RUN(store, DEVICE_SET_DISABLED, NULL, NULL, integer(id), integer(at), integer(now)),
		ERR_NOT_FOUND);
	if (r == 0 && at != 0)
		r = any_rows(RUN(store, DEVICE_SUSPEND, NULL, NULL, integer(id), integer(at)));
	return atom_end(store, r);
}

int store_device_sight(struct store *store, int64_t authorization_id, int64_t id)
{
	int64_t sight = DEVICE_ABSENT;
	int r = RUN(
		store, DEVICE_SIGHT, keep_number, &sight, integer(authorization_id), integer(id));
	return r < 0 ? r : (int)sight;
}

int store_device_by_hostname(
	struct store *store, const char *hostname, struct device_row *ret_device)
{
	char key[HOSTNAME_SIZE];
	if (strlen(hostname) >= sizeof key)
		return -ERR_NOT_FOUND;
	lower_name(key, hostname);
	return one_row(
		RUN(store, DEVICE_BY_HOSTNAME, keep_device, ret_device, text(key)), ERR_NOT_FOUND);
}

int store_device_find(struct store *store, const char *name, struct device_row *ret_device)
{
	int r = store_device_by_hostname(store, name, ret_device);
	if (r != -ERR_NOT_FOUND)
		return r;
	/* addresses have many spellings and one form in the store */
	struct address address;
	char ip[ADDRESS_SIZE];
	if (address_parse(&address, name) < 0)
		return -ERR_NOT_FOUND;
	address_format(&address, ip);
	return one_row(
		RUN(store, DEVICE_BY_ADDRESS, keep_device, ret_device, text(ip)), ERR_NOT_FOUND);
}

int store_device_get(struct store *store, int64_t id, struct device_row *ret_device)
{
	return one_row(RUN(store, DEVICE_GET, keep_device, ret_device, integer(id)), ERR_NOT_FOUND);
}

int store_device_page(struct store *store, int64_t authorization_id, const struct store_page *page,
	int (*keep)(void *, const struct device_row *), void *context)
{
	struct each_device each = { .keep = keep, .context = context };
	int r = authorization_id == 0
			? RUN(store, DEVICE_PAGE, keep_each_device, &each, integer(page->after),
				  integer(page->last), integer(page->since), integer(page->limit),
				  integer(page->offset))
			: RUN(store, DEVICE_PAGE_SEEN, keep_each_device, &each,
				  integer(authorization_id), integer(page->after),
				  integer(page->last), integer(page->since), integer(page->limit),
				  integer(page->offset));
	return each.result != 0 ? each.result : any_rows(r);
}

int store_device_list(
	struct store *store, int (*keep)(void *, const struct device_row *), void *context)
{
	const struct store_page all = { .last = INT64_MAX, .limit = INT32_MAX };
	return store_device_page(store, 0, &all, keep, context);
}

int store_device_count(
	struct store *store, int64_t authorization_id, int64_t since, struct store_count *ret_count)
{
	return any_rows(RUN(store, DEVICE_COUNT_SEEN, keep_count, ret_count,
		integer(authorization_id), integer(since)));
}

int store_connectivity_clear(struct store *store, int64_t device_id)
{
	return any_rows(RUN(store, CONNECTIVITY_CLEAR, NULL, NULL, integer(device_id)));
}

int store_connectivity_add(
	struct store *store, int64_t device_id, const char *protocol, uint16_t port)
{
	return any_rows(RUN(store, CONNECTIVITY_ADD, NULL, NULL, integer(device_id), text(protocol),
		integer(port)));
}

struct each_connectivity {
	int (*keep)(void *, const struct connectivity_row *);
	void *context;
	int result;
};

static int keep_each_connectivity(void *context, const struct value *values, unsigned count)
{
	struct each_connectivity *each = context;
	struct reader reader = READER(values, count);
	struct connectivity_row row;
	row.id = read_integer(&reader);
	row.device_id = read_integer(&reader);
	read_text(&reader, row.protocol);
	row.port = read_integer(&reader);
	each->result = reader.error != 0 ? reader.error : each->keep(each->context, &row);
	return each->result;
}

int store_connectivity_list(struct store *store, int64_t device_id,
	int (*keep)(void *, const struct connectivity_row *), void *context)
{
	struct each_connectivity each = { .keep = keep, .context = context };
	int r = any_rows(
		RUN(store, CONNECTIVITY_LIST, keep_each_connectivity, &each, integer(device_id)));
	return each.result != 0 ? each.result : r;
}

int store_pin_replace(struct store *store, const struct pin_row *pin)
{
	int r = atom_begin(store);
	if (r < 0)
		return r;
	r = RUN(store, PIN_PUT, NULL, NULL, integer(pin->device_id), text(pin->protocol),
		text(pin->algorithm), HASH(pin->fingerprint), integer(pin->pinned_at));
	if (r >= 0)
		r = RUN(store, PIN_DROP_OLDER, NULL, NULL, integer(pin->device_id),
			text(pin->protocol), integer(pin->pinned_at));
	return atom_end(store, any_rows(r));
}

struct pins {
	struct pin_row *rows; /* PINS_MAX */
	int count;
};

static int keep_pin(void *context, const struct value *values, unsigned count)
{
	struct pins *pins = context;
	struct reader reader = READER(values, count);
	struct pin_row *pin = &pins->rows[pins->count++];
	pin->device_id = read_integer(&reader);
	read_text(&reader, pin->protocol);
	read_text(&reader, pin->algorithm);
	read_bytes(&reader, pin->fingerprint, sizeof pin->fingerprint);
	pin->pinned_at = read_integer(&reader);
	return reader.error;
}

int store_pin_list(struct store *store, int64_t device_id, const char *protocol,
	struct pin_row ret_pins[PINS_MAX])
{
	struct pins pins = { .rows = ret_pins };
	int r = RUN(store, PIN_LIST, keep_pin, &pins, integer(device_id), text(protocol),
		integer(PINS_MAX));
	return r < 0 ? r : pins.count;
}
