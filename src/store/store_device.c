/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "base/address.h"
#include "store/store_private.h"

/* Host names have no letter case; only ASCII letters have one here. */
static void lower(char out[HOSTNAME_SIZE], const char *name)
{
	size_t i = 0;
	for (; name[i] != '\0'; i++) {
		assert(i < HOSTNAME_SIZE - 1);
		out[i] = name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A') : name[i];
	}
	out[i] = '\0';
}

void read_device(struct reader *reader, struct device_row *ret_device)
{
	ret_device->id = read_integer(reader);
	read_text(reader, ret_device->hostname);
	read_text(reader, ret_device->ip);
	read_text(reader, ret_device->domain);
	ret_device->any_port = read_integer(reader) != 0;
	ret_device->created_at = read_integer(reader);
	ret_device->disabled_at = read_integer(reader);
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
	lower(key, device->hostname);
	return any_rows(RUN(store, DEVICE_ADD, keep_number, ret_id, text(device->hostname),
		text(key), text(device->ip), text(device->domain), integer(device->any_port),
		integer(device->created_at)));
}

int store_device_find(struct store *store, const char *name, struct device_row *ret_device)
{
	char key[HOSTNAME_SIZE];
	if (strlen(name) >= sizeof key)
		return -ERR_NOT_FOUND;
	lower(key, name);
	int r = RUN(store, DEVICE_BY_HOSTNAME, keep_device, ret_device, text(key));
	if (r != 0)
		return any_rows(r);
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

int store_device_list(
	struct store *store, int (*keep)(void *, const struct device_row *), void *context)
{
	struct each_device each = { .keep = keep, .context = context };
	int r = any_rows(RUN(store, DEVICE_LIST, keep_each_device, &each));
	return each.result != 0 ? each.result : r;
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
