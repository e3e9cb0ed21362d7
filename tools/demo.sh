#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Called by ./dev demo: an installation in .demo/, a target of its own, and a session URL.
set -euo pipefail
cd "$(dirname "$0")/.."

once=no
case ${1-} in
--once) once=yes ;;
'') ;;
*) echo "usage: ./dev demo [--once]" >&2; exit 2 ;;
esac

demo=$PWD/.demo
data=$demo/data
target=$demo/target
sallyport=$PWD/build/sallyport
account=$(id -un)
export SALLYPORT_DATA=$data

tell() { printf '%s\n' "$*" >&2; }
die() { tell "demo: $*"; exit 1; }

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
	local port=$1
	while taken "$port"; do port=$((port + 1)); done
	echo "$port"
}

gateway=
sshd=
finish() { # the gateway first: it ends its sessions, and their recordings say so
	trap - EXIT INT TERM HUP
	for pid in $gateway $sshd; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	exit "${1:-0}"
}
trap 'finish $?' EXIT
trap 'finish 0' INT TERM HUP

# A real OpenSSH server under its own configuration: own keys, loopback, one account, keys only.
start_target() {
	mkdir -p "$target"
	chmod 700 "$demo" "$target"
	[ -f "$target/host_key" ] || ssh-keygen -q -t ed25519 -N '' -C demo-target -f "$target/host_key"
	cat >"$target/sshd_config" <<-E
	Port $ssh_port
	ListenAddress 127.0.0.1
	HostKey $target/host_key
	PidFile $target/sshd.pid
	AuthorizedKeysFile $target/authorized_keys
	StrictModes no
	UsePAM no
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	PermitRootLogin prohibit-password
	AllowUsers $account
	PrintMotd no
	E
	[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
	touch "$target/authorized_keys"
	/usr/sbin/sshd -D -e -f "$target/sshd_config" 2>"$target/sshd.log" &
	sshd=$!
}

start_gateway() {
	[ -f "$data/sallyport.conf" ] || { rm -rf "$data"; "$sallyport" init --tenant Demo >&2; }
	cat >"$data/sallyport.conf" <<-E
	# Written by ./dev demo.
	[gateway]
	tenant = Demo
	listen = 127.0.0.1:$port
	public_url = $base

	[ticket]
	# A newcomer has time to copy the URL; the default is 30.
	lifetime = 300
	E
	coproc SERVE { exec "$sallyport" serve 2>"$demo/gateway.log"; }
	gateway=$SERVE_PID
	local line=
	read -r -t 20 line <&"${SERVE[0]}" || true
	[ "$line" = ready ] || { tail -n 20 "$demo/gateway.log" >&2; die "the gateway did not start"; }
}

have() { "$sallyport" "$1" list --json | grep -q "\"$2\":\"$3\""; }

# Registration through the product's own command line, as an administrator would do it.
register() {
	have user login ana || "$sallyport" user add ana --name 'Ana Demo' >&2
	local device=target-$ssh_port
	host=$device
	if ! have device hostname "$device"; then
		"$sallyport" device add "$device" --ip 127.0.0.1 --connectivity "SSH:$ssh_port" >&2
		"$sallyport" device trust "$device" --yes >&2
		ssh-keygen -q -t ed25519 -N '' -C "sallyport-demo" -f "$target/key"
		cat "$target/key.pub" >>"$target/authorized_keys"
		"$sallyport" credential add --device "$device" --username "$account" --ssh-key-file "$target/key" >&2
		rm -f "$target/key" "$target/key.pub" # from here on the vault alone has it
	fi
	have application name portal || "$sallyport" application add portal >&2
	keys=$("$sallyport" authorization add --application portal --resource web-proxy-session:rw \
		--credential "$account@$device" --json)
}

field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
pretty() { node -e 'process.stderr.write(JSON.stringify(JSON.parse(require("fs").readFileSync(0)), null, 2) + "\n")'; }
call() { curl -sS --cacert "$data/tls/cert.pem" "$@"; }

get_token() {
	call -X POST "$base/iso/oauth2/token" -d grant_type=client_credentials \
		-d "client_id=$client_id" -d "client_secret=$client_secret"
}
create_session() {
	call -X POST "$base/api/pam/remote/session" -H "Authorization: Bearer $access" \
		-H 'Content-Type: application/json' -d "$request"
}

show_exchanges() {
	tell ''
	tell "POST $base/iso/oauth2/token"
	tell "  grant_type=client_credentials&client_id=$client_id&client_secret=$client_secret"
	pretty <<<"$token_answer"
	tell ''
	tell "POST $base/api/pam/remote/session"
	tell "  Authorization: Bearer ${access:0:8}.."
	tell "  $request"
	pretty <<<"$session_answer"
}

fresh() {
	session_answer=$(create_session)
	if [ -z "$(field session_url <<<"$session_answer")" ]; then # the access token lives an hour
		token_answer=$(get_token)
		access=$(field access_token <<<"$token_answer")
		session_answer=$(create_session)
	fi
	session_url=$(field session_url <<<"$session_answer")
	token=$(sed -n 's/.*"session_url":"[^"]*","token":"\([^"]*\)".*/\1/p' <<<"$session_answer")
	[ -n "$session_url" ] || die "no session URL: $session_answer"
}

previous=$(sed -n 's/^Port //p' "$target/sshd_config" 2>/dev/null || true)
ssh_port=$(free_port "${previous:-2222}")
port=$(free_port 8443)
base=https://localhost:$port
set -m # each in a process group of its own: Ctrl-C is for this script, which ends them in order
start_target
start_gateway
set +m
register
client_id=$(field client_id <<<"$keys")
client_secret=$(field client_secret <<<"$keys")
request="{\"user\":\"ana\",\"credential\":\"$account\",\"device\":\"$host\",\"protocol\":\"ssh\"}"
token_answer=$(get_token)
access=$(field access_token <<<"$token_answer")
[ -n "$access" ] || die "no access token: $token_answer"
fresh

if [ $once = yes ]; then
	printf '{"base_url":"%s","client_id":"%s","client_secret":"%s","request":%s,"session_url":"%s","token":"%s","data":"%s"}\n' \
		"$base" "$client_id" "$client_secret" "$request" "$session_url" "$token" "$data"
	wait "$gateway"
	exit 0
fi
show_exchanges
tell ''
tell "Open this in a browser (it opens once, within 300 seconds; the certificate is self-signed):"
printf '\n  %s\n\n' "$session_url"
tell "Afterwards: build/sallyport --data .demo/data recording list"
tell "Enter: a fresh URL. Ctrl-C: end."
while read -r _; do
	fresh
	printf '\n  %s\n\n' "$session_url"
done
wait "$gateway"
