#!/bin/sh
# Installs Chromium, in which the page is tested, and curl, with which the examples
# of the documentation are, with the system's package manager. Does nothing, and at
# once, where both are there. Never asks. Where Chromium can't be had it says so and
# goes on: the tests then say loudly that the page was not driven, and fail in CI.
set -eu

chromium() {
	for name in chromium chromium-browser google-chrome; do
		command -v "$name" >/dev/null 2>&1 && return 0
	done
	return 1
}

missing=
chromium || missing=chromium
command -v curl >/dev/null 2>&1 || missing="$missing curl"
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$as_root" ] || sudo -n true 2>/dev/null; }; then
	echo "Installing $missing for the tests."
	# shellcheck disable=SC2086 # lists
	$as_root apt-get update -q </dev/null &&
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing </dev/null ||
		echo "Installing $missing failed: the tests go on without." >&2
else
	echo "Install $missing for the tests of the page and of the examples; they go on without." >&2
fi
