/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_device.c"

#include "failing.h"
#include "failing_store.h"
#include "fixture.h"

static void devices_are_found_by_name_and_address(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	static const char *const names[] = { "DB1", "db1", "dB1", "192.0.2.7", "::ffff:192.0.2.7" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct device_row device;
		assert_int_equal(store_device_find(store, names[i], &device), 0);
		assert_int_equal(device.id, fixture->device);
		assert_string_equal(device.hostname, "DB1");
		assert_false(device.any_port);
	}
	struct device_row device;
	char long_name[400];
	memset(long_name, 'a', sizeof long_name);
	long_name[sizeof long_name - 1] = '\0';
	assert_int_equal(store_device_find(store, long_name, &device), -ERR_NOT_FOUND);
	assert_int_equal(store_device_find(store, "", &device), -ERR_NOT_FOUND);
	assert_int_equal(store_device_find(store, "192.0.2.8", &device), -ERR_NOT_FOUND);
	assert_int_equal(store_device_get(store, fixture->device, &device), 0);
	assert_string_equal(device.ip, "192.0.2.7");
	assert_int_equal(store_device_get(store, 99, &device), -ERR_NOT_FOUND);
}

static void a_host_name_is_taken_in_any_case(void **state)
{
	struct fixture *fixture = *state;
	struct device_row device = { .hostname = "db1", .ip = "192.0.2.9" };
	int64_t id;
	assert_int_equal(store_device_add(fixture->store, &device, &id), -ERR_EXISTS);
}

/* Two devices may share an address: the older one answers. */
static void the_oldest_of_one_address_answers(void **state)
{
	struct fixture *fixture = *state;
	struct device_row second = {
		.hostname = "db2", .ip = "192.0.2.7", .any_port = true, .domain = "corp"
	};
	struct device_row found;
	int64_t id;
	assert_int_equal(store_device_add(fixture->store, &second, &id), 0);
	assert_int_equal(store_device_find(fixture->store, "192.0.2.7", &found), 0);
	assert_int_equal(found.id, fixture->device);
	assert_int_equal(store_device_find(fixture->store, "db2", &found), 0);
	assert_true(found.any_port);
	assert_string_equal(found.domain, "corp");
}

static int count_device(void *context, const struct device_row *device)
{
	int *count = context;
	assert_int_not_equal(device->id, 0);
	return (*count)++ >= 0 ? 0 : 1;
}

static int count_connectivity(void *context, const struct connectivity_row *row)
{
	unsigned *ports = context;
	*ports += row->port;
	assert_int_not_equal(row->id, 0);
	assert_true(strcmp(row->protocol, "ssh") == 0 || strcmp(row->protocol, "telnet") == 0);
	return 0;
}

static void devices_list_what_they_speak(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	unsigned ports = 0;
	int devices = 0;
	assert_int_equal(store_connectivity_add(store, fixture->device, "telnet", 23), 0);
	assert_int_equal(store_connectivity_add(store, fixture->device, "ssh", 2222), 0);
	assert_int_equal(store_connectivity_add(store, fixture->device, "ssh", 22), -ERR_EXISTS);
	assert_int_equal(store_connectivity_add(store, 99, "ssh", 22), -ERR_NOT_FOUND);
	assert_int_equal(
		store_connectivity_list(store, fixture->device, count_connectivity, &ports), 0);
	assert_int_equal(ports, 22 + 23 + 2222);
	assert_int_equal(store_device_list(store, count_device, &devices), 0);
	assert_int_equal(devices, 1);
}

static void pins_replace_older_ones_of_their_protocol(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct pin_row pin = { .device_id = fixture->device,
		.protocol = "ssh",
		.algorithm = "ssh-ed25519",
		.fingerprint = { 1, 2, 3 },
		.pinned_at = NOW };
	struct pin_row other = pin, pins[PINS_MAX];
	assert_int_equal(text_copy(other.protocol, sizeof other.protocol, "rdp"), 0);
	assert_int_equal(store_pin_list(store, fixture->device, "ssh", pins), 0);
	assert_int_equal(store_pin_replace(store, &pin), 0);
	assert_int_equal(store_pin_replace(store, &other), 0);
	pin.pinned_at = NOW + 5;
	assert_int_equal(text_copy(pin.algorithm, sizeof pin.algorithm, "rsa-sha2-512"), 0);
	assert_int_equal(store_pin_replace(store, &pin), 0);
	assert_int_equal(store_pin_list(store, fixture->device, "ssh", pins), 1);
	assert_string_equal(pins[0].algorithm, "rsa-sha2-512");
	assert_memory_equal(pins[0].fingerprint, pin.fingerprint, HASH_LEN);
	assert_int_equal(store_pin_list(store, fixture->device, "rdp", pins), 1);
	pin.device_id = 99;
	assert_int_equal(store_pin_replace(store, &pin), -ERR_NOT_FOUND);
}

/* Inside a batch the two statements of a replacement stand behind their own savepoint. */
static void a_failed_replacement_leaves_the_batch(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct pin_row pin = { .device_id = 99, .protocol = "ssh", .algorithm = "x" };
	struct pin_row pins[PINS_MAX];
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_pin_replace(store, &pin), -ERR_NOT_FOUND);
	pin.device_id = fixture->device;
	assert_int_equal(store_pin_replace(store, &pin), 0);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_pin_list(store, fixture->device, "ssh", pins), 1);
}

static int stop(void *context, const struct device_row *row)
{
	(void)context;
	(void)row;
	return 42;
}

static int stop_connectivity(void *context, const struct connectivity_row *row)
{
	(void)context;
	(void)row;
	return 42;
}

static void lists_can_be_stopped(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(store_device_list(fixture->store, stop, NULL), 42);
	assert_int_equal(
		store_connectivity_list(fixture->store, fixture->device, stop_connectivity, NULL),
		42);
}

static void the_longest_name(void **state)
{
	struct fixture *fixture = *state;
	struct device_row device = { .ip = "192.0.2.8", .created_at = NOW }, found;
	char name[HOSTNAME_SIZE + 1];
	int64_t id;
	memset(name, 'Z', sizeof name);
	name[HOSTNAME_SIZE - 1] = 0;
	assert_int_equal(text_copy(device.hostname, sizeof device.hostname, name), 0);
	assert_int_equal(store_device_add(fixture->store, &device, &id), 0);
	assert_int_equal(store_device_find(fixture->store, name, &found), 0);
	assert_int_equal(found.id, id);
	name[HOSTNAME_SIZE - 1] = 'Z';
	name[HOSTNAME_SIZE] = 0;
	assert_int_equal(store_device_find(fixture->store, name, &found), -ERR_NOT_FOUND);
}

static void a_store_that_fails(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct pin_row pin = { .device_id = fixture->device, .protocol = "ssh", .algorithm = "x" };
	struct pin_row pins[PINS_MAX];
	struct device_row device;
	failing_store(store);
	/* Both statements of a replacement or neither: the pin before it stays. */
	assert_int_equal(store_pin_replace(store, &pin), 0);
	pin.pinned_at = NOW;
	assert_int_equal(text_copy(pin.algorithm, sizeof pin.algorithm, "y"), 0);
	FAILING(FAILING_STORE) {
		int r = store_pin_replace(store, &pin);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
		bool struck = failing_struck();
		failing_end();
		assert_int_equal(store_pin_list(store, fixture->device, "ssh", pins), 1);
		assert_string_equal(pins[0].algorithm, struck ? "x" : "y");
	}
	FAILING(FAILING_STORE) {
		int r = store_pin_list(store, fixture->device, "ssh", pins);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 1);
	}
	FAILING(FAILING_STORE) {
		int r = store_device_find(store, "192.0.2.7", &device);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
}

static void damage_is_no_row(void **state)
{
	struct each_device each = { .keep = stop };
	struct each_connectivity connectivity = { .keep = stop_connectivity };
	struct pin_row rows[PINS_MAX];
	struct pins pins = { .rows = rows };
	assert_int_equal(keep_each_device(&each, NULL, 0), -ERR_STORE);
	assert_int_equal(each.result, -ERR_STORE);
	assert_int_equal(keep_each_connectivity(&connectivity, NULL, 0), -ERR_STORE);
	assert_int_equal(connectivity.result, -ERR_STORE);
	assert_int_equal(keep_pin(&pins, NULL, 0), -ERR_STORE);
}

/* What an authorization created, and what it has a credential of; the first it may change. */
static void an_authorization_sees_its_own(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct device_row own = { .hostname = "own",
		.ip = "192.0.2.20",
		.created_at = NOW + 10,
		.model = "m",
		.owner_authorization = fixture->authorization };
	struct device_row other = { .hostname = "other", .ip = "192.0.2.21", .created_at = NOW };
	struct store_count count = { 9, 9 };
	struct store_page page = { .last = INT64_MAX, .limit = 9 };
	int seen = 0;
	assert_int_equal(store_device_add(store, &own, &own.id), 0);
	assert_int_equal(store_device_add(store, &other, &other.id), 0);
	assert_int_equal(
		store_authorization_cover(store, fixture->authorization, fixture->credential), 0);
	int64_t who = fixture->authorization;
	assert_int_equal(store_device_sight(store, who, own.id), DEVICE_HELD);
	assert_int_equal(store_device_sight(store, who, fixture->device), DEVICE_SEEN);
	assert_int_equal(store_device_sight(store, who, other.id), DEVICE_ABSENT);
	assert_int_equal(store_device_sight(store, who, 99), DEVICE_ABSENT);
	assert_int_equal(store_device_count(store, who, 0, &count), 0);
	assert_int_equal(count.count, 2);
	assert_int_equal(count.last, own.id);
	assert_int_equal(store_device_page(store, who, &page, count_device, &seen), 0);
	assert_int_equal(seen, 2);
	page.since = NOW + 1;
	assert_int_equal(store_device_page(store, who, &page, count_device, &seen), 0);
	assert_int_equal(seen, 3);
	page.since = 0;
	page.offset = 1;
	assert_int_equal(store_device_page(store, 0, &page, count_device, &seen), 0);
	assert_int_equal(seen, 5); /* the administrator sees all */
	assert_int_equal(store_device_page(store, who, &page, stop, NULL), 42);
	assert_int_equal(store_device_count(store, 77, 0, &count), 0);
	assert_int_equal(count.count, 0);
	assert_int_equal(count.last, 0);
	assert_int_equal(keep_count(&count, NULL, 0), -ERR_STORE);
}

static void a_device_is_changed_and_disabled(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct device_row device, found;
	struct credential_row credential;
	assert_int_equal(store_device_get(store, fixture->device, &device), 0);
	assert_int_equal(text_copy(device.hostname, sizeof device.hostname, "Db1"), 0);
	assert_int_equal(text_copy(device.site, sizeof device.site, "Recife"), 0);
	device.changed_at = NOW + 5;
	assert_int_equal(store_device_set(store, &device), 0);
	assert_int_equal(store_device_by_hostname(store, "db1", &found), 0);
	assert_string_equal(found.hostname, "Db1");
	assert_string_equal(found.site, "Recife");
	assert_int_equal(found.changed_at, NOW + 5);
	assert_int_equal(store_device_by_hostname(store, "db9", &found), -ERR_NOT_FOUND);
	assert_int_equal(store_connectivity_clear(store, device.id), 0);
	device.id = 99;
	assert_int_equal(store_device_set(store, &device), -ERR_NOT_FOUND);
	assert_int_equal(store_device_set_disabled(store, 99, NOW, NOW), -ERR_NOT_FOUND);
	assert_int_equal(store_device_set_disabled(store, fixture->device, NOW, NOW + 6), 0);
	assert_int_equal(store_device_set_disabled(store, fixture->device, 0, NOW + 7), 0);
	assert_int_equal(store_device_get(store, fixture->device, &found), 0);
	assert_int_equal(found.disabled_at, 0);
	assert_int_equal(found.changed_at, NOW + 7);
	assert_int_equal(store_credential_get(store, fixture->credential, &credential), 0);
	assert_int_equal(credential.disabled_at, NOW);
	store_credential_finish(&credential);
	failing_store(store);
	FAILING(FAILING_STORE) {
		int r = store_device_set_disabled(store, fixture->device, NOW, NOW);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	FAILING(FAILING_STORE) {
		int r = store_device_sight(store, fixture->authorization, fixture->device);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : DEVICE_ABSENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(devices_are_found_by_name_and_address),
		CASE(a_host_name_is_taken_in_any_case),
		CASE(the_oldest_of_one_address_answers),
		CASE(an_authorization_sees_its_own),
		CASE(a_device_is_changed_and_disabled),
		CASE(devices_list_what_they_speak),
		CASE(pins_replace_older_ones_of_their_protocol),
		CASE(a_failed_replacement_leaves_the_batch),
		CASE(lists_can_be_stopped),
		CASE(the_longest_name),
		CASE(a_store_that_fails),
		CASE(damage_is_no_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
