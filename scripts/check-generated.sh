#!/bin/sh
# check-generated.sh GOLANGCI_LINT_VERSION
#
# Fails where something that is made from something else is out of date, and
# says what to run. It compares the tree before and after, so it needs no git
# and does not mind changes that are not committed.
set -eu
go=${GO:-go}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=

fail() {
	echo "check-generated: $1" >&2
	failed=yes
}

sums() {
	find . -type d \( -name .git -o -name .bin -o -name .build -o -name .tarballs \) -prune -o -type f -print |
		LC_ALL=C sort | while IFS= read -r f; do cksum "$f"; done
}

"$go" mod tidy -diff || fail "go.mod or go.sum is out of date; run: go mod tidy"
scripts/golangci-lint.sh "$1" fmt --diff ./... || fail "some Go files are not formatted; run: make fmt"

sums >"$work/before"
# Golden files are not written anew: their tests compare them, and have run.
"$go" generate ./... || fail "generating failed; run: make generate"
sums >"$work/after"
if ! cmp -s "$work/before" "$work/after"; then
	diff "$work/before" "$work/after" | awk '/^[<>]/ { print "  " $4 }' | sort -u >&2
	fail "these files were out of date; they have been written anew (make generate): look at the difference and commit it"
fi

[ -z "$failed" ]
