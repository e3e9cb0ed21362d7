#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# configure.sh DIR OPTION.. : meson setup, once per directory and set of options.
set -euo pipefail
dir=$1; shift
options="${CC-} $*"
[ -f "$dir/build.ninja" ] && [ "$(cat "$dir/.options" 2>/dev/null)" = "$options" ] && exit 0
again=()
[ -f "$dir/build.ninja" ] && again=(--wipe)
mkdir -p "$dir"
meson setup "${again[@]}" "$dir" "$@" >"$dir.log" 2>&1 || { tail -n 30 "$dir.log" >&2; exit 1; }
mv "$dir.log" "$dir/configure.log"
echo "$options" >"$dir/.options"
