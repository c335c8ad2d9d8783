#!/bin/sh
# Writes generated files anew: go generate's, then the golden files of every
# package whose tests have an -update flag.
set -eu
go=${GO:-go}

"$go" generate ./...
grep -rl --include='*_test.go' 'flag\.Bool("update"' . | xargs -r -n 1 dirname | sort -u | while read -r dir; do
	"$go" test "$dir" -update </dev/null
done
