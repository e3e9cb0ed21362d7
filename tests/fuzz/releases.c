/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds the vault's disk may write any bytes into its log of releases. No line passes that this
 * installation did not sign, wherever its newlines are, and none is read past its end.
 */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wire/releases.h"

static bool check(void *context, const char *line, size_t len)
{
	static const uint8_t public[32] = { 1 };
	struct releases_proof *proof = context;
	char *exact = malloc(len + 1); /* so that one byte too far is seen */
	memcpy(exact, line, len);
	releases_line_sequence(exact, len);
	assert(releases_line_check(proof, exact, len, public) < 0);
	free(exact);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct releases_proof proof = { 0 };
	char name[64] = "";
	uint64_t first;
	off_t complete = 0;
	int fd = memfd_create("log", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	assert(releases_read(fd, check, &proof, &complete) == 0);
	assert(complete >= 0 && (size_t)complete <= size && proof.sequence == 0);
	close(fd);
	memcpy(name, data, size < sizeof name - 1 ? size : sizeof name - 1);
	if (releases_name_parse(name, &first))
		assert(first > 0);
	return 0;
}
