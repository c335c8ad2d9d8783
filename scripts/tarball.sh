#!/bin/sh
# tarball.sh VERSION EPOCH BINARY FILE... packs the binary and the files as
# .tarballs/BINARY-VERSION.OS-ARCH.tar.gz, in a folder of that name, as promu
# does. The same files and the same EPOCH give the same bytes.
set -eu
go=${GO:-go}
epoch=$2
name=$3-$1.$("$go" env GOOS)-$("$go" env GOARCH)
shift 2
mkdir -p .tarballs
# GNU tar, whatever it is called here.
tar=$(command -v gtar || command -v tar)
"$tar" --create --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go=u-w \
	--mtime="@$epoch" --transform="s|^|$name/|" "$@" | gzip -9n >".tarballs/$name.tar.gz"
echo ".tarballs/$name.tar.gz"
