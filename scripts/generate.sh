#!/bin/sh
# Writes generated files anew: go generate's, then the golden files of every
# package whose tests have an -update flag.
set -eu
go=${GO:-go}

"$go" generate ./...
# shellcheck disable=SC2046 # no folder of Go packages has a space in its name
"$go" test $(grep -rl --include='*_test.go' 'flag\.Bool("update"' . | xargs -r -n 1 dirname | sort -u) -update </dev/null
