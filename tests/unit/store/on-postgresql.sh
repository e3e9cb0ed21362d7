#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# on-postgresql.sh PROGRAM..: each of them, one after the other; says which failed.
failed=0
for program; do
	"$program" || { echo "failed: $program"; failed=1; }
done
exit $failed
