#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Static analysis and format; everything it says is worth an answer.
set -uo pipefail
cd "$(dirname "$0")/.."
status=0
files=$(git ls-files 'src/*.c')
clang-format-14 --dry-run -Werror $(git ls-files '*.c' '*.h') || status=1
# memleak: it does not know __attribute__((cleanup)); gcc -fanalyzer and the leak sanitizer do
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
	--suppress=normalCheckLevelMaxBranches --suppress=memleak --include=tools/cppcheck.h \
	-Isrc -Ibuild/src/wire $files || status=1
# .clang-tidy says what is asked, and why the rest is not
printf '%s\n' $files | xargs -P 2 -n 4 clang-tidy-14 --quiet -p build \
	--extra-arg=-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang 2>/dev/null || status=1
# the security core, path by path
for file in $(sed -n 's/^\(src[^:]*\):.*/\1/p' tests/coverage/core.txt); do
	gcc -std=gnu17 -D_GNU_SOURCE -O1 -fanalyzer -Werror -Isrc -Ibuild/src/wire -c "$file" -o /dev/null || status=1
done
node web/build.mjs --check || status=1
exit $status
