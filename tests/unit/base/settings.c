/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "test.h"

#include "base/mem.h"
#include "base/settings.h"

static void defaults_are_those_of_the_table(void **state)
{
	struct settings settings;

	settings_defaults(&settings);
	assert_string_equal(settings.gateway_tenant, "Sallyport");
	assert_int_equal(settings.ticket_lifetime, 30);
	assert_string_equal(settings.session_start, "auto");
	assert_string_equal(settings.recording_input, "apart");
}

/* Each row's default, set as text, is accepted and changes nothing. */
static void every_default_can_be_written_down(void **state)
{
	struct settings settings, untouched;
	char complaint[REASON_SIZE], name[128];
	unsigned count;
	const struct setting_row *rows = settings_rows(&count);

	settings_defaults(&settings);
	untouched = settings;
	assert_true(count > 20);
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s.%s", rows[i].section, rows[i].key);
		assert_int_equal(settings_set(&settings, name, rows[i].value, complaint), 0);
		assert_string_equal(complaint, "");
		assert_true(strlen(rows[i].range) > 0 && strlen(rows[i].sentence) > 10);
	}
	assert_memory_equal(&settings, &untouched, sizeof(settings));
}

static void parses_a_file(void **state)
{
	struct settings settings;
	char complaint[REASON_SIZE];

	settings_defaults(&settings);
	assert_int_equal(settings_parse(&settings,
				 "# a comment\n"
				 "; another\r\n"
				 "\n"
				 "[gateway]\n"
				 "tenant = Banco # 1; \xc3\x81gil = x\n"
				 "public_url=https://pam.example:8443\n"
				 "  [ ticket ]  \r\n"
				 "\tlifetime =  300 \r\n"
				 "[gateway]\n"
				 "log_level = debug\n"
				 "[api]\n"
				 "trusted_proxies = 10.0.0.0/8, ::1\n"
				 "denied_status = 403\n"
				 "message_key = Message",
				 complaint),
		0);
	assert_string_equal(settings.gateway_tenant, "Banco # 1; \xc3\x81gil = x");
	assert_string_equal(settings.gateway_public_url, "https://pam.example:8443");
	assert_int_equal(settings.ticket_lifetime, 300);
	assert_string_equal(settings.gateway_log_level, "debug");
	assert_string_equal(settings.api_trusted_proxies, "10.0.0.0/8, ::1");
	assert_int_equal(settings.api_denied_status, 403);
	assert_string_equal(settings.api_message_key, "Message");
}

static const struct {
	const char *text, *complaint;
} refused[] = {
	{ "\n\n[ticket]\nlifetme = 3", "line 4: unknown setting ticket.lifetme" },
	{ "[tickets]\n", "line 1: unknown section tickets" },
	{ "[ticket\n", "line 1: a section is written [name], not [ticket" },
	{ "[", "line 1: a section is written [name], not [" },
	{ "[]", "line 1: unknown section " },
	{ "lifetime = 3\n", "line 1: no [section] before lifetime = 3" },
	{ "[ticket]\nlifetime\n", "line 2: a setting is written key = value, not lifetime" },
	{ "[ticket]\n = 3\n", "line 2: unknown setting ticket." },
	{ "[ticket]\nlifetime = 4\n", "line 2: ticket.lifetime must be 5 to 300" },
	{ "[ticket]\nlifetime = 301\n", "line 2: ticket.lifetime must be 5 to 300" },
	{ "[ticket]\nlifetime = \n", "line 2: ticket.lifetime must be 5 to 300" },
	{ "[ticket]\nlifetime = 30s\n", "line 2: ticket.lifetime must be 5 to 300" },
	{ "[ticket]\nlifetime = +30\n", "line 2: ticket.lifetime must be 5 to 300" },
	{ "[ticket]\nlifetime = -30\n", "line 2: ticket.lifetime must be 5 to 300" },
	{ "[ticket]\nlifetime = 0x1f\n", "line 2: ticket.lifetime must be 5 to 300" },
	{ "[ticket]\nlifetime = 18446744073709551646\n",
		"line 2: ticket.lifetime must be 5 to 300" },
	{ "[ticket]\nlifetime = 30\nlifetime = 31\n", "line 3: set twice: ticket.lifetime" },
	{ "[session]\nstart = clic\n", "line 2: session.start must be auto|click" },
	{ "[session]\nstart = auto|click\n", "line 2: session.start must be auto|click" },
	{ "[session]\nstart =\n", "line 2: session.start must be auto|click" },
	{ "[gateway]\ntenant = a\tb\n",
		"line 2: gateway.tenant must be text shorter than 128 bytes" },
	{ "[gateway]\ntenant = \xff\n",
		"line 2: gateway.tenant must be text shorter than 128 bytes" },
	{ "[gateway]\npublic_url = http://x\n",
		"line 2: gateway.public_url must be https://host or https://host:port" },
	{ "[gateway]\npublic_url = https://x/y\n",
		"line 2: gateway.public_url must be https://host or https://host:port" },
	{ "[gateway]\npublic_url = https://\n",
		"line 2: gateway.public_url must be https://host or https://host:port" },
	{ "[api]\ntrusted_proxies = 10.0.0.0/33\n",
		"line 2: api.trusted_proxies must be addresses and networks" },
	{ "[api]\ndenied_status = 404\n", "line 2: api.denied_status must be 500 or 403" },
	{ "[Ticket]\nlifetime = 30\n", "line 1: unknown section Ticket" },
	{ "[ticket] lifetime = 30\n",
		"line 1: a section is written [name], not [ticket] lifetime = 30" },
};

static void complains_by_line_and_changes_nothing(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct settings settings, untouched;
		char complaint[REASON_SIZE];

		settings_defaults(&settings);
		untouched = settings;
		assert_int_equal(
			settings_parse(&settings, refused[i].text, complaint), -ERR_MALFORMED);
		assert_string_equal(complaint, refused[i].complaint);
		assert_memory_equal(&settings, &untouched, sizeof(settings));
	}
}

static void lines_and_values_have_ceilings(void **state)
{
	static char text[5000];
	struct settings settings;
	char complaint[REASON_SIZE], tenant[NAME_SIZE + 1];

	settings_defaults(&settings);
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(settings_parse(&settings, text, complaint), -ERR_MALFORMED);
	assert_string_equal(complaint, "line 1: too long: the line");
	memset(tenant, 'x', sizeof(tenant));
	tenant[NAME_SIZE] = '\0';
	assert_int_equal(
		settings_set(&settings, "gateway.tenant", tenant, complaint), -ERR_MALFORMED);
	tenant[NAME_SIZE - 1] = '\0';
	assert_int_equal(settings_set(&settings, "gateway.tenant", tenant, complaint), 0);
	assert_int_equal(settings_set(&settings, text, "x", complaint), -ERR_MALFORMED);
	assert_int_equal(settings_set(&settings, "gateway", "x", complaint), -ERR_MALFORMED);
	assert_int_equal(settings_set(&settings, "gateway_tenant", "x", complaint), -ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_table),
		cmocka_unit_test(every_default_can_be_written_down),
		cmocka_unit_test(parses_a_file),
		cmocka_unit_test(complains_by_line_and_changes_nothing),
		cmocka_unit_test(lines_and_values_have_ceilings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
