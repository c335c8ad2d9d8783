#!/bin/sh
# fuzz.sh TIME runs every fuzz target for TIME. Targets are found, not listed.
set -eu
time=$1
go=${GO:-go}

targets=$(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's|/[^/]*:func | |' | sort)
[ -n "$targets" ] || {
	echo "no fuzz targets found" >&2
	exit 1
}

echo "$targets" | while read -r dir target; do
	echo "== $dir $target for $time"
	"$go" test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$dir" </dev/null
done
