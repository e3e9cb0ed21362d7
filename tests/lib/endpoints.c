/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the table of endpoints as JSON, as the broker was compiled with it: what drives the matrix
 * of rights (tests/scenarios/b-rights.mjs) is the same table that decides.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/endpoints.h"
#include "api/resource.h"
#include "base/json.h"
#include "base/mem.h"

#define TABLE_MAX (1024 * 1024)

static const char *need_word(enum need need)
{
	static const char *const words[] = {
		[NEED_READ] = "read", [NEED_WRITE] = "write", [NEED_NOBODY] = "nobody"
	};
	return words[need];
}

static void write_fields(struct json *json, const struct field *field)
{
	json_open_array(json, "fields");
	for (; field->name != NULL; field++)
		json_text(json, NULL, field->name);
	json_close_array(json);
}

static void write_endpoint(struct json *json, const struct endpoint *endpoint)
{
	char resources[RESOURCES_SIZE];
	json_open_object(json, NULL);
	json_text(json, "door", endpoint->door == DOOR_API ? "api" : "control");
	json_text(json, "method", endpoint->method);
	json_text(json, "path", endpoint->path);
	json_text(json, "need", need_word(endpoint->need));
	json_text(json, "resources", resources_format(endpoint->resource, 0, resources));
	write_fields(json, endpoint->fields);
	json_close_object(json);
}

int main(void)
{
	CLEANUP(buf_finish) struct buf out = BUF(TABLE_MAX);
	struct json json = json_begin(&out);
	json_open_array(&json, NULL);
	for (unsigned i = 0; endpoints[i] != NULL; i++)
		write_endpoint(&json, endpoints[i]);
	json_close_array(&json);
	if (json_finish(&json) < 0)
		return EXIT_FAILURE;
	return fwrite(out.data, 1, out.len, stdout) == out.len ? EXIT_SUCCESS : EXIT_FAILURE;
}
