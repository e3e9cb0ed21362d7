/* SPDX-License-Identifier: Apache-2.0 */
/* Any file given to `recording verify`: as it stands, or as records with a right chain. */
#include <stdio.h>

#include "ctl/reader.h"
#include "recording_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Input: u8 type, u16 length, body, again and again; type 0 asks for a right signature. */
static void build_from(struct build *build, const uint8_t *data, size_t size)
{
	uint64_t chunks = 0;
	uint32_t ms = 0;

	build_begin(build);
	while (size >= 3) {
		uint8_t type = data[0];
		size_t len = (size_t)(data[1] | data[2] << 8);
		data += 3;
		size -= 3;
		len = MIN(MIN(len, size), (size_t)RECORDING_BODY_MAX);
		if (type == 0) {
			build_signature(build, chunks, ms);
			continue;
		}
		if (!build_record(build, type, data, (uint32_t)len))
			return;
		struct recording_record record = { type, (uint32_t)len, data };
		struct recording_chunk chunk;
		if (recording_chunk_read(&record, &chunk) == 0) {
			chunks++;
			ms = chunk.end_ms;
		}
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct build *build;
	static struct recording_report report;
	static FILE *out;
	char words[REASON_SIZE];
	struct recording_summary *summary;

	if (size < 1 || size > 65536)
		return -1;
	if (build == NULL)
		build = build_new();
	if (out == NULL)
		out = fopen("/dev/null", "w");
	if (data[0] % 2 == 0)
		buf_clear(&build->file);
	else
		build_from(build, data + 1, size - 1);
	int fd = data[0] % 2 == 0 ? build_file(data + 1, size - 1)
				  : build_file(build->file.data, build->file.len);
	assert(recording_verify(fd, build->installation_public, &report) == 0);
	assert(recording_verdict_text(&report, words)[0] != '\0');
	recording_report_print(&report, false, out);
	recording_report_print(&report, true, out);
	assert(report.verdict != RECORDING_INTACT || report.ended);
	summary = malloc(sizeof(*summary));
	recording_summarize(fd, summary);
	free(summary);
	return 0;
}
