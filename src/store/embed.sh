#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh OUTPUT SYMBOL=FILE...: an assembler file that holds each text, a NUL behind it. Written
# anew when a text changed, which is what makes the build notice.
set -eu
output=$1
shift
{
	echo '	.section .note.GNU-stack,"",%progbits'
	echo '	.section .rodata'
	for pair in "$@"; do
		symbol=${pair%%=*}
		file=${pair#*=}
		printf '\t.global %s\n%s:\n\t.incbin "%s"\n\t.byte 0\n' "$symbol" "$symbol" "$file"
	done
} > "$output"
