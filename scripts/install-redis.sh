#!/bin/sh
# Installs redis-server and redis-sentinel with the system's package manager.
# Does nothing, and at once, where both are there. Never asks, and leaves a
# Redis that is running alone: the tests start their own.
# shellcheck disable=SC2086 # $packages and $as_root are lists
set -eu

missing() {
	for program in redis-server redis-sentinel; do
		command -v "$program" >/dev/null 2>&1 || printf '%s ' "$program"
	done
}

give_up() {
	echo "The tests need $(missing)in the PATH: $1" >&2
	exit 1
}

[ -n "$(missing)" ] || exit 0

if command -v apt-get >/dev/null 2>&1; then
	packages="redis-server redis-sentinel"
	install() {
		$as_root apt-get update -q &&
			$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
	}
elif command -v dnf >/dev/null 2>&1; then
	packages=redis
	install() { $as_root dnf install -y $packages; }
elif command -v yum >/dev/null 2>&1; then
	packages=redis
	install() { $as_root yum install -y $packages; }
elif command -v apk >/dev/null 2>&1; then
	packages=redis
	install() { $as_root apk add --no-progress $packages; }
elif command -v brew >/dev/null 2>&1; then
	packages=redis
	install() { HOMEBREW_NO_AUTO_UPDATE=1 brew install -q $packages; }
else
	give_up "install Redis 6.2 or newer"
fi

as_root=
if [ "$(id -u)" -ne 0 ] && ! command -v brew >/dev/null 2>&1; then
	# -n: a password would be a question.
	sudo -n true 2>/dev/null || give_up "as root, install $packages"
	as_root="sudo -n"
fi

echo "Installing $packages for the tests."
install </dev/null || give_up "installing $packages failed"
[ -z "$(missing)" ] || give_up "$packages did not bring it"
