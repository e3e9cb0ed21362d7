#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# format.sh SCRIPT SOURCE COMPILER..: what changes the wire format's hash, and what does not.
set -eu
script=$1 source=$2
shift 2
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
failed=0

first=$(sh "$script" "$source" "$@")
# alter WHAT FILE EXPRESSION COMPILER..: the hash after one change
alter() {
	name=$1 file=$2 change=$3; shift 3
	rm -rf "$copy/src"
	mkdir "$copy/src"
	cp -r "$source/base" "$source/wire" "$copy/src"
	sed -i "$change" "$copy/src/$file"
	cmp -s "$source/$file" "$copy/src/$file" && { echo "FAIL $name: nothing was changed"; failed=1; }
	hash=$(sh "$script" "$copy/src" "$@")
}
same() {
	alter "$@"
	[ "$hash" = "$first" ] || { echo "FAIL $1: the hash changed"; failed=1; }
}
other() {
	alter "$@"
	[ "$hash" != "$first" ] || { echo "FAIL $1: the hash is the same"; failed=1; }
}

case $first in '#define WIRE_FORMAT "'????????????????????????????????????????????????????????????????'"') ;;
*) echo "FAIL: $first"; failed=1 ;; esac
same "a comment" wire/messages.h 's,/\* 0 or -ERR_,/* zero or -ERR_,' "$@"
same "a function" base/address.h 's/^bool address_forbidden.*/&\nint address_new(void);/' "$@"
same "a function behind an enum of one line" wire/witness.h 's/^const char .outlet_name.*/&\nint outlet_new(void);/' "$@"
same "an error's text" base/errors.def 's/"Malformed request"/"Malformed"/' "$@"
same "a setting's default" base/settings.def 's/reattach, 300, 5/reattach, 301, 5/' "$@"
same "a frame's sentence" wire/view.def 's/"bytes typed"/"typed bytes"/' "$@"
same "the layout of the text" wire/messages.h 's/^\tint32_t result;/\tint32_t  result ;/' "$@"
other "a message's sender" wire/messages.def 's/^MSG(SEAL,  *BROKER/MSG(SEAL, FRONT/' "$@"
other "a message's tail" wire/messages.def '/^MSG(API_REPLY/s/REPLY_PART_MAX/1024/' "$@"
other "the order of messages" wire/messages.def '/^MSG(GO,/{h;d};/^MSG(READY,/G' "$@"
other "a number that gives a size" base/limits.h 's/#define TRACE_SIZE 17/#define TRACE_SIZE 18/' "$@"
other "a field" wire/messages.h 's/^\tint32_t exit_status;/\tint64_t exit_status;/' "$@"
other "an address" base/address.h 's/uint8_t family;/uint16_t family;/' "$@"
other "a setting" base/settings.def 's/^NUMBER(session, reattach.*/&\nNUMBER(session, another, 1, 0, 1, "x")/' "$@"
other "a frame's length" wire/view.def '/^FRAME(PING/s/8,  8/8, 16/' "$@"
other "the order of errors" base/errors.def '/^ERR(NOT_FOUND/{h;d};/^ERR(EXISTS/G' "$@"
other "a state of the view" wire/view.h 's/VIEW_LIVE = 3/VIEW_LIVE = 5/' "$@"
other "an enum of one line" wire/witness.h 's/OUTLET_MIRROR, OUTLET_FILE/OUTLET_FILE, OUTLET_MIRROR/' "$@"
[ $failed = 0 ]
