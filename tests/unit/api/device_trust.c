/* SPDX-License-Identifier: Apache-2.0 */
#include "api/device_trust.c"

#include "fake.h"

static const struct msg_probe shown = { .algorithm = "ssh-ed25519", .blob_len = 0 };
#define FINGERPRINT "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU" /* of no bytes */

static int pin_it(struct broker *broker, const char *algorithm, const char *fingerprint_text)
{
	return fake_call(broker, &control_device_pin, "hostname", "db1", "algorithm", algorithm,
		"fingerprint", fingerprint_text, NULL);
}

static void what_was_shown_is_pinned(void **state)
{
	struct broker broker = fake_broker(state);
	struct pin_row pins[PINS_MAX];
	broker.probe = &shown;
	assert_int_equal(fake_call(&broker, &control_device_trust, "hostname", "db1", "protocol",
				 "SSH", NULL),
		0);
	assert_string_equal(fake_at("fingerprint"), FINGERPRINT);
	assert_string_equal(fake_at("algorithm"), "ssh-ed25519");
	assert_string_equal(fake_at("pinned"), "");
	assert_string_equal(fake_audit_at("fingerprint"), FINGERPRINT);
	struct store *store = broker.fixture->store;
	assert_int_equal(store_pin_list(store, broker.fixture->device, "ssh", pins), 0);
	assert_int_equal(pin_it(&broker, "ssh-ed25519", FINGERPRINT), 0);
	assert_string_equal(fake_audit_at("fingerprint"), FINGERPRINT);
	assert_int_equal(store_pin_list(store, broker.fixture->device, "ssh", pins), 1);
	assert_int_equal(pins[0].fingerprint[0], 0xe3);
	assert_int_equal(fake_call(&broker, &control_device_trust, "hostname", "db1", NULL), 0);
	assert_string_equal(fake_at("pinned"), FINGERPRINT);
	assert_string_equal(fake_at("fingerprint"), FINGERPRINT);
}

static void what_cannot_be_trusted(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	assert_int_equal(fake_call(&broker, &control_device_trust, "hostname", "db1", NULL),
		-ERR_PROBE_FAILED);
	assert_int_equal(fake_call(&broker, &control_device_trust, "hostname", "db9", NULL),
		-ERR_DEVICE_NOT_FOUND);
	assert_int_equal(fake_call(&broker, &control_device_trust, "hostname", "db1", "protocol",
				 "telnet", NULL),
		-ERR_PROTOCOL_INVALID);
	assert_non_null(strstr(fake_message(), "not registered"));
	assert_int_equal(store_connectivity_add(store, broker.fixture->device, "telnet", 23), 0);
	assert_int_equal(fake_call(&broker, &control_device_trust, "hostname", "db1", "protocol",
				 "telnet", NULL),
		-ERR_PROTOCOL_INVALID);
	assert_non_null(strstr(fake_message(), "no host key"));
	assert_int_equal(pin_it(&broker, "ssh-ed25519", "SHA256:short"), -ERR_PARAMETER_INVALID);
	assert_int_equal(pin_it(&broker, "ssh ed25519", FINGERPRINT), -ERR_PARAMETER_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(what_was_shown_is_pinned),
		API_CASE(what_cannot_be_trusted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
