#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh HARNESS SEEDS: fuzzes for FUZZ_SECONDS (5). What it finds new is kept in FUZZ_CORPUS/<name>
# if that is set; an input that breaks something is left in the current directory.
set -eu
harness=$1
seeds=$2
name=$(basename "$seeds")
if [ -n "${FUZZ_CORPUS:-}" ]; then
	found=$FUZZ_CORPUS/$name
	mkdir -p "$found"
else
	found=$(mktemp -d)
	trap 'rm -rf "$found"' EXIT
fi
"$harness" -max_total_time="${FUZZ_SECONDS:-5}" -max_len=4096 -timeout=5 -print_final_stats=1 \
	-artifact_prefix="./broken-$name-" "$found" "$seeds"
