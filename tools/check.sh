#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Called by ./dev check: every suite, and one last line that counts. Suites print "N passed, M failed".
set -uo pipefail
cd "$(dirname "$0")/.."
results=build/check
rm -rf $results
mkdir -p $results

meson_suite() { # sanitizers on: the unit tests mirror src/
	tools/configure.sh build-check -Dtests=true -Dweb=false -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false &&
		ninja -C build-check -j2 >build-check/build.log 2>&1 || { grep -v '^\[' build-check/build.log | tail -n 40; return 1; }
	# seccomp and a traced leak check do not go together; the sandbox tests say so themselves
	meson test -C build-check --no-rebuild --print-errorlogs 2>&1
	local log=build-check/meson-logs/testlog.txt
	echo "$(sed -n 's/^Ok: *//p' $log | tail -n 1) passed, $(($(sed -n 's/^Fail: *//p' $log | tail -n 1) + $(sed -n 's/^Timeout: *//p' $log | tail -n 1))) failed"
}
house_suite() { node tests/house/check.mjs build; }
scenario_suite() { node tests/run.mjs; }
browser_suite() { node tests/browser/run.mjs; }
fuzz_suite() { tools/fuzz.sh 4; }

# run NAME: output to a file, shown when it failed
run() {
	local start=$SECONDS
	printf 'check: %s\n' "$1"
	"$1_suite" >"$results/$1" 2>&1
	local status=$? line
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$results/$1" | tail -n 1)
	if [ $status -ne 0 ] || [ -z "$line" ] || ! grep -q ', 0 failed' <<<"$line"; then
		grep -vE '^(ok|skip) ' "$results/$1" | tail -n 120
		[ -n "$line" ] && ! grep -q ', 0 failed' <<<"$line" || line="0 passed, 1 failed"
	fi
	echo "$line" >"$results/$1.count"
	printf 'check: %s: %s (%d s)\n' "$1" "$line" $((SECONDS - start))
}

node_packages() {
	[ tests/node_modules/.installed -nt tests/package-lock.json ] ||
		{ (cd tests && npm ci --ignore-scripts --no-audit --no-fund) && touch tests/node_modules/.installed; }
}
node_packages >$results/npm 2>&1 || { cat $results/npm; echo "0 passed, 1 failed"; exit 1; }

run meson
run house
run fuzz
run scenario
run browser
passed=0 failed=0
for file in "$results"/*.count; do
	read -r p _ f _ <"$file"
	passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
