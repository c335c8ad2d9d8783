#!/bin/sh
# utc.sh EPOCH FORMAT prints a time in UTC, with GNU's date or BSD's.
set -eu
date -u -d "@$1" "$2" 2>/dev/null || date -u -r "$1" "$2"
