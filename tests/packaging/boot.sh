#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# boot.sh OVER STAGE OUT PROGRAM.. : a machine of its own inside this one. Its files are STAGE laid
# over ours, changes go to memory; systemd is process 1 of it, runs PROGRAM once the basic system is
# up, and ends with it. What it says lies in OUT. Wants root, and namespaces that nobody else is in:
# started by unshare, see booted.mjs, and as process 1 of them or not at all.
set -euo pipefail
[ $$ = 1 ] || { echo 'boot.sh: not process 1 of its own namespace' >&2; exit 1; }
over=$1 stage=$2 out=$3
shift 3
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$over"
mkdir "$over"/up "$over"/work "$over"/root
cp -a "$stage" "$over"/stage # a layer may not lie within another
mount -t overlay overlay -o "lowerdir=$over/stage:/,upperdir=$over/up,workdir=$over/work" "$over/root"
cd "$over/root"
mount -t tmpfs tmpfs mnt
mkdir mnt/out
mount --bind "$out" mnt/out

# What systemd expects to find, and nothing of the machine outside.
mount -t proc proc proc
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
	: >dev/$node
	mount --bind /dev/$node dev/$node
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=1777 tmpfs var/tmp
mount -t tmpfs -o mode=755 tmpfs run

# Only the basic system and ours: what else is installed here is not meant.
mount -t tmpfs -o mode=755 tmpfs etc/systemd/system
mkdir etc/systemd/system/basic.target.wants
for unit in systemd-udevd systemd-udev-trigger systemd-journald systemd-tmpfiles-setup-dev systemd-sysctl \
	systemd-modules-load systemd-random-seed systemd-update-utmp systemd-remount-fs; do
	ln -s /dev/null etc/systemd/system/$unit.service
done
ln -s /lib/systemd/system/basic.target etc/systemd/system/default.target
cat >etc/systemd/system/inside.service <<-UNIT
	[Unit]
	After=sysinit.target
	[Service]
	Type=oneshot
	WorkingDirectory=/
	Environment=SALLYPORT_AT_ONCE=${SALLYPORT_AT_ONCE-}
	StandardOutput=file:/mnt/out/said
	StandardError=file:/mnt/out/said
	ExecStart=$*
	ExecStopPost=/bin/systemctl exit \$EXIT_STATUS
	UNIT
ln -s ../inside.service etc/systemd/system/basic.target.wants/inside.service

mkdir -p run/old
pivot_root . run/old
umount -l run/old
mount --make-rshared / # as on any machine: what a service's helper mounts has to reach the service
export container=other
exec /lib/systemd/systemd --system --log-target=null --show-status=no
