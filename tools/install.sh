#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install.sh PACKAGE.. : Debian packages, as root. Services they bring are neither started nor left to
# start at boot: the tests and the demo start what they need by themselves, on loopback.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
fi
new=()
for service in ssh nginx inetutils-inetd inetutils-syslogd; do
	[ -e /etc/init.d/$service ] || new+=($service)
done
install=(apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120)
"${install[@]}" "$@" || { apt-get update -q || true; "${install[@]}" "$@"; }
for service in "${new[@]}"; do
	[ ! -e /etc/init.d/$service ] || update-rc.d $service disable
done
