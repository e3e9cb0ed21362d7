/* SPDX-License-Identifier: Apache-2.0 */
/* What stands inside a chunk when its key is right: frames, or bytes zstd must refuse. */
#include <stdio.h>
#include <zstd.h>

#include "ctl/reader.h"
#include "recording_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void export_all(int fd, const uint8_t *key, bool secrets, FILE *out)
{
	static const enum export_format formats[] = { EXPORT_ASCIICAST, EXPORT_TEXT, EXPORT_JSON };

	for (unsigned i = 0; i < ARRAY_LEN(formats); i++) {
		struct export_options options = { formats[i], true, true };
		struct reader *reader;
		if (reader_open(fd, key, &reader) < 0)
			continue;
		if (secrets && reader_open_secrets(reader, key) < 0)
			abort();
		recording_export(reader, &options, out);
		reader_close(reader);
	}
}

/* First byte: bit 0: the input is compressed already; bits 1..7: how many frames are announced. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct build *build;
	static uint8_t packed[RECORDING_BODY_MAX];
	static FILE *out;

	if (size < 5 || size > RECORDING_PLAIN_MAX)
		return -1;
	if (build == NULL)
		build = build_new();
	if (out == NULL)
		out = fopen("/dev/null", "w");
	struct recording_chunk chunk = { .number = 1,
		.end_ms = UINT32_MAX,
		.plain_len = (uint32_t)(size - 5),
		.frames = data[0] / 2 };
	size_t len = size - 5;
	if (data[0] % 2 == 0) {
		len = ZSTD_compress(packed, sizeof(packed), data + 5, size - 5, 1);
	} else {
		chunk.plain_len = (uint32_t)(data[1] | data[2] << 8 | (data[3] & 1) << 16);
		chunk.plain_len = MIN(chunk.plain_len, (uint32_t)RECORDING_PLAIN_MAX);
		memcpy(packed, data + 5, len);
	}
	build_begin(build);
	build_chunk(build, &chunk, packed, len);
	build_signature(build, 1, UINT32_MAX);
	int fd = build_file(build->file.data, build->file.len);
	export_all(fd, build->key, false, out);
	export_all(fd, build->key, true, out);
	return 0;
}
