#!/bin/sh
# install-axe.sh VERSION FILE
#
# Puts axe-core's axe.min.js of that version at FILE, with which the tests see whether
# the page is accessible; npm fetches it, and is installed with the system's package
# manager where it is missing. Does nothing, and at once, where FILE is of that
# version. Never asks. Where it can't be had it says so and goes on: the tests then say
# loudly what they left out, and fail in CI.
set -eu
version=$1
file=$2

is_wanted() { head -c 200 "$file" 2>/dev/null | grep -qF "axe v$version"; }

give_up() {
	echo "!!! axe-core $version can't be had: $1. The tests go on without: whether the page is accessible is not tested." >&2
	exit 0
}

is_wanted && exit 0
rm -f "$file"

if ! command -v npm >/dev/null 2>&1; then
	as_root=
	[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
	if command -v apt-get >/dev/null 2>&1 && { [ -z "$as_root" ] || sudo -n true 2>/dev/null; }; then
		echo "Installing npm for the tests."
		$as_root apt-get update -q </dev/null &&
			$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends npm </dev/null ||
			give_up "installing npm failed"
	else
		give_up "install npm"
	fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "Fetching axe-core $version for the tests."
(cd "$work" && npm pack --loglevel=error --ignore-scripts "axe-core@$version" </dev/null >/dev/null) || give_up "npm pack failed"
tar -xzf "$work/axe-core-$version.tgz" -C "$work" package/axe.min.js || give_up "the package lacks axe.min.js"
mkdir -p "$(dirname "$file")"
mv "$work/package/axe.min.js" "$file"
is_wanted || give_up "what npm brought is of another version"
