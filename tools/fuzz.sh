#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh [SECONDS] [HARNESS..]: each harness of tests/fuzz that long; a crash is kept and fails.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
CC=clang-14 tools/configure.sh build-fuzz -Dfuzz=true -Dweb=false -Dbuildtype=debugoptimized \
	-Db_sanitize=address,undefined -Db_lundef=false -Db_pie=false -Dc_args=-fsanitize=fuzzer-no-link || exit 1
harnesses=${*:-$(sed -n 's/^\([a-z_]*\) .*/\1/p' tests/fuzz/harnesses.list)}
ninja -C build-fuzz -j2 $(printf 'meson-out/fuzz-%s ' $harnesses) >build-fuzz/build.log 2>&1 ||
	{ grep -v '^\[' build-fuzz/build.log | tail -n 40; exit 1; }
passed=0 failed=0
one() {
	local name=$1
	mkdir -p build-fuzz/corpus/"$name" build-fuzz/found
	build-fuzz/meson-out/fuzz-"$name" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=64 \
		-artifact_prefix=build-fuzz/found/"$name"- -print_final_stats=1 -verbosity=0 \
		build-fuzz/corpus/"$name" $(ls -d tests/fuzz/corpus/"$name" 2>/dev/null) >build-fuzz/"$name".log 2>&1
}
# two at a time: one for each core of the machines this is meant for
set -- $harnesses
while [ $# -gt 0 ]; do
	names=("${@:1:2}"); shift ${#names[@]}
	pids=()
	for name in "${names[@]}"; do one "$name" & pids+=($!); done
	for i in "${!names[@]}"; do
		if wait "${pids[$i]}"; then
			passed=$((passed + 1))
			echo "ok   ${names[$i]} $(sed -n 's/^stat::number_of_executed_units: *//p' build-fuzz/"${names[$i]}".log) runs"
		else
			failed=$((failed + 1))
			echo "FAIL ${names[$i]}"; tail -n 30 build-fuzz/"${names[$i]}".log
		fi
	done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
