#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Called by ./dev check: every suite, and one last line that counts. Suites print "N passed, M failed".
set -uo pipefail
cd "$(dirname "$0")/.."
results=build/check
export SALLYPORT_PATIENCE=4 # several suites share two cores
rm -rf $results
mkdir -p $results

meson_suite() { # sanitizers on: the unit tests mirror src/
	local log=build-check/meson-logs/testlog.txt
	rm -f $log
	tools/configure.sh build-check -Dtests=true -Dweb=false -Dbuildtype=debug -Db_sanitize=address,undefined -Db_lundef=false || return 1
	ninja -C build-check -j2 >build-check/build.log 2>&1 || { grep -v '^\[' build-check/build.log | tail -n 40; return 1; }
	# seccomp and a traced leak check do not go together; the sandbox tests say so themselves
	meson test -C build-check --no-rebuild --print-errorlogs --timeout-multiplier 4 2>&1
	count() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" $log | tail -n 1; }
	echo "$(count Ok) passed, $(($(count Fail) + $(count Timeout))) failed"
}
house_suite() { node tests/house/check.mjs build; }
scenario_suite() { node tests/run.mjs; }
scenarios-postgresql_suite() { SALLYPORT_STORE=postgresql node tests/run.mjs; } # the same, on the other store
browser_suite() { SALLYPORT_PAGES=$PWD/build/web node tests/browser/run.mjs; }
constant_suite() { node tests/constant/run.mjs; }
coverage_suite() { node tests/coverage/run.mjs; }
fuzz_suite() { tools/fuzz.sh 4; }
torture_suite() { node tests/torture/run.mjs; }

# run NAME: output to a file, shown when it failed
run() {
	local start=$SECONDS
	"$1_suite" >"$results/$1" 2>&1
	local status=$? line
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$results/$1" | tail -n 1)
	if [ $status -ne 0 ] || [ -z "$line" ] || ! grep -q ', 0 failed' <<<"$line"; then
		grep -vE '^ok | OK ' "$results/$1" | tail -n 120
		[ -n "$line" ] && ! grep -q ', 0 failed' <<<"$line" || line="0 passed, 1 failed"
	else
		grep '^skip ' "$results/$1"
	fi
	echo "$line" >"$results/$1.count"
	printf 'check: %s: %s (%d s)\n' "$1" "$line" $((SECONDS - start))
}
lane() { local suite; for suite; do run "$suite"; done; }

# Two lanes for two cores: what computes, and politely beside it what waits for programs and people. A
# third one, politest, takes what the others leave: it kills, starts and waits.
computing="meson coverage constant fuzz"
waiting="house scenario browser"
breaking="torture scenarios-postgresql"
set -m # process groups of their own, which can be ended as one
(renice -n 10 $BASHPID >/dev/null; lane $computing) &
groups="-$!"
(renice -n 15 $BASHPID >/dev/null; lane $breaking) &
groups="$groups -$!"
set +m
trap 'kill -- '"$groups"' 2>/dev/null' EXIT
trap 'exit 130' INT TERM
lane $waiting
wait

passed=0 failed=0
for suite in $computing $waiting $breaking; do
	read -r p _ f _ <"$results/$suite.count" || p=0 f=1
	passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
