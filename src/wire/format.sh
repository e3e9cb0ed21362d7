#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# format.sh SOURCE COMPILER..: the hash of the wire format, as a header. Hashed is what two builds
# must share to speak with each other, and nothing else: the rows of messages, frames and errors,
# and every struct and enum that a message holds, after the preprocessor has put in all numbers.
# Comments, function declarations, texts and defaults may differ. What a message means, and what lies
# in its tail, no preprocessor sees: whoever changes that raises this number.
meaning=1
set -eu
source=$1
shift
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
for file in base/address.h base/errors.def base/limits.h base/settings.def base/settings.h \
	wire/audit.h wire/generations.h wire/messages.def wire/messages.h wire/view.def wire/view.h \
	wire/witness.h; do
	mkdir -p "$copy/${file%/*}"
	# The system's headers say how long an integer is; that is the machine's business, not ours.
	sed -e '/^#include </d' -e '/^#include "base\/buf.h"/d' "$source/$file" >"$copy/$file"
done
cat >"$copy/format.c" <<'C'
#include "wire/audit.h"
#include "wire/messages.h"
#include "wire/view.h"
#define MSG(name, from, to, payload, tail, fds) @ message name from to payload tail fds
#include "wire/messages.def"
#define FRAME(name, type, least, most, what) @ frame name type least most
#include "wire/view.def"
#define ERR(name, http, text) @ error name
#include "base/errors.def"
C
text=$("$@" -E -P -nostdinc -I "$copy" "$copy/format.c")
hash=$(printf '@ %s\n%s\n' "$meaning" "$text" |
	awk '/^(struct|enum) [a-z_]+ *\{/ { inside = 1 } inside || /^ *@/ { print }
		/^\};/ || /^(struct|enum) .*\};$/ { inside = 0 }' |
	tr -d ' \t\n' | sha256sum | cut -c1-64)
echo "#define WIRE_FORMAT \"$hash\""
