#!/bin/sh
# golangci-lint.sh VERSION [ARGUMENT...] runs golangci-lint of that version,
# which it builds into .bin where there is none; without arguments it only sees
# to it that it is there. It is no tool of go.mod's, since its
# many dependencies would decide the versions of ours.
set -eu
version=$1
shift
go=${GO:-go}

is_wanted() { [ -x "$1" ] && [ "v$("$1" version --short 2>/dev/null)" = "$version" ]; }

for found in "$PWD/.bin/golangci-lint" "$(command -v golangci-lint || true)" \
	"$("$go" env GOBIN)/golangci-lint" "$("$go" env GOPATH)/bin/golangci-lint"; do
	if is_wanted "$found"; then
		[ $# -gt 0 ] || exit 0
		exec "$found" "$@"
	fi
done

echo "Building golangci-lint $version into .bin; this takes some minutes." >&2
# For this machine, whatever is being built just now.
env -u GOOS -u GOARCH GOFLAGS= GOBIN="$PWD/.bin" "$go" install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version" >&2
[ $# -gt 0 ] || exit 0
exec "$PWD/.bin/golangci-lint" "$@"
