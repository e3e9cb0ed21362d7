#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Static analysis and format; everything it says is worth an answer.
set -uo pipefail
cd "$(dirname "$0")/.."
status=0
files=$(git ls-files 'src/*.c')
clang-format-14 --dry-run -Werror $(git ls-files '*.c' '*.h') || status=1
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
	--suppress=normalCheckLevelMaxBranches -Isrc -Ibuild/src/wire $files || status=1
clang-tidy-14 --quiet -p build $files 2>/dev/null || status=1
node web/build.mjs --check || status=1
exit $status
