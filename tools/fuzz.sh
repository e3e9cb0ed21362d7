#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh [SECONDS|HOURS=n] [HARNESS..]: each harness of tests/fuzz so many seconds, or all of them together
# n hours (2, 0.5), shared among the harnesses and all cores. What was found stays in build-fuzz/corpus, a
# crash in build-fuzz/found; a crash fails.
set -uo pipefail
cd "$(dirname "$0")/.."
length=${1:-60} cores=2
[ $# -gt 0 ] && shift
# Zero added to a null pointer is defined at last in C23, which this clang does not know: it is told, and no crash.
CC=clang-14 tools/configure.sh build-fuzz -Dfuzz=true -Dweb=false -Dbuildtype=debugoptimized \
	-Db_sanitize=address,undefined -Db_lundef=false -Db_pie=false \
	"-Dc_args=-fsanitize=fuzzer-no-link -fsanitize-recover=pointer-overflow" || exit 1
harnesses=${*:-$(sed -n 's/^\([a-z_0-9]*\) .*/\1/p' tests/fuzz/harnesses.list)}
set -- $harnesses
case $length in
HOURS=*)
	cores=$(nproc)
	seconds=$(awk -v hours="${length#HOURS=}" -v cores="$cores" -v count=$# \
		'BEGIN { print int(hours * 3600 * (cores < count ? cores : count) / count) }')
	echo "$# harnesses on $cores cores: $seconds s each"
	;;
*) seconds=$length ;;
esac
[ "$seconds" -gt 0 ] 2>/dev/null || { echo "usage: fuzz.sh [SECONDS|HOURS=n] [HARNESS..]" >&2; exit 2; }
ninja -C build-fuzz -j2 $(printf 'meson-out/fuzz-%s ' "$@") >build-fuzz/build.log 2>&1 ||
	{ grep -v '^\[' build-fuzz/build.log | tail -n 40; exit 1; }
one() {
	local name=$1
	mkdir -p build-fuzz/corpus/"$name" build-fuzz/found
	build-fuzz/meson-out/fuzz-"$name" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=64 \
		-artifact_prefix=build-fuzz/found/"$name"- -print_final_stats=1 -verbosity=0 \
		build-fuzz/corpus/"$name" $(ls -d tests/fuzz/corpus/"$name" 2>/dev/null) >build-fuzz/"$name".log 2>&1
	echo $? >build-fuzz/"$name".status
}
stat_of() { sed -n "s/^stat::$2: *//p" build-fuzz/"$1".log; }

# So many at a time as there are cores; the next begins as soon as one ends.
for name; do rm -f build-fuzz/"$name".status; done
running=0
for name; do
	[ $running -lt "$cores" ] || { wait -n; running=$((running - 1)); }
	one "$name" &
	running=$((running + 1))
done
wait

passed=0 failed=0
for name; do
	if [ "$(cat build-fuzz/"$name".status 2>/dev/null)" = 0 ]; then
		passed=$((passed + 1))
		printf 'ok   %-20s %s runs, %s a second, %s new inputs, corpus %s, slowest %s s, %s MiB\n' "$name" \
			"$(stat_of "$name" number_of_executed_units)" "$(stat_of "$name" average_exec_per_sec)" \
			"$(stat_of "$name" new_units_added)" "$(ls build-fuzz/corpus/"$name" | wc -l)" \
			"$(stat_of "$name" slowest_unit_time_sec)" "$(stat_of "$name" peak_rss_mb)"
	else
		failed=$((failed + 1))
		echo "FAIL $name"; tail -n 30 build-fuzz/"$name".log
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
