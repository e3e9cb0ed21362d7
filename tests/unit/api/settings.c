/* SPDX-License-Identifier: Apache-2.0 */
#include "api/settings.c"

#include "fake.h"

static void every_setting_with_its_own_value(void **state)
{
	struct broker broker = fake_broker(state);
	unsigned count;
	const struct setting_row *rows = settings_rows(&count);
	assert_int_equal(fake_call(&broker, &control_settings, NULL), 0);
	assert_int_equal(fake_count(), count);
	for (unsigned i = 0; i < count; i++) {
		char name[64], path[32], value[32], defaults[32];
		snprintf(name, sizeof name, "%s.%s", rows[i].section, rows[i].key);
		snprintf(path, sizeof path, "%u.name", i);
		snprintf(value, sizeof value, "%u.value", i);
		snprintf(defaults, sizeof defaults, "%u.default", i);
		assert_string_equal(fake_at(path), name);
		/* the fake's settings are the defaults */
		assert_string_equal(fake_at(value), rows[i].value);
		assert_string_equal(fake_at(defaults), rows[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(every_setting_with_its_own_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
