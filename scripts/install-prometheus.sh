#!/bin/sh
# Installs Prometheus and Alertmanager with promtool and amtool, for the tests of the
# mixin, with the system's package manager. Does nothing, and at once, where they are
# there. Never asks, and starts no service: the tests start their own.
# shellcheck disable=SC2086 # $packages and $as_root are lists
set -eu

missing() {
	for program in prometheus promtool amtool; do
		command -v "$program" >/dev/null 2>&1 || printf '%s ' "$program"
	done
	# Debian calls it otherwise.
	command -v alertmanager >/dev/null 2>&1 || command -v prometheus-alertmanager >/dev/null 2>&1 || printf 'alertmanager '
}

give_up() {
	echo "The tests of the mixin need $(missing)in the PATH: $1" >&2
	exit 1
}

[ -n "$(missing)" ] || exit 0

# Debian's packages start what they install, unless this file says no (101).
policy=/usr/sbin/policy-rc.d
without_services() {
	if [ -e "$policy" ]; then
		"$@"
		return
	fi
	trap '$as_root rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
	$as_root chmod 755 "$policy"
	"$@"
}

if command -v apt-get >/dev/null 2>&1; then
	packages="prometheus prometheus-alertmanager"
	install() {
		$as_root apt-get update -q &&
			without_services $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
	}
elif command -v apk >/dev/null 2>&1; then
	packages="prometheus alertmanager"
	install() { $as_root apk add --no-progress $packages; }
elif command -v brew >/dev/null 2>&1; then
	packages="prometheus alertmanager"
	install() { HOMEBREW_NO_AUTO_UPDATE=1 brew install -q $packages; }
else
	give_up "install Prometheus 2.42 or newer and Alertmanager 0.25 or newer"
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
