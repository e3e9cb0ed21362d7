#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fill.sh PROGRAM PART PAGE OUT: the page with @PART@ replaced by the table the program prints.
set -eu
{
	sed "/^@$2@\$/,\$d" "$3"
	"$1" manual "$2"
	sed "1,/^@$2@\$/d" "$3"
} >"$4"
