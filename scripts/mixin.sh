#!/bin/sh
# Formats and lints the mixin's jsonnet, compiles it into alerts/ and dashboards/,
# and lets promtool look at the rules. Tests in mixin/compile hold the same in CI,
# where nothing is written.
set -eu
go=${GO:-go}

sources() { find mixin -type f \( -name '*.jsonnet' -o -name '*.libsonnet' \) -print0; }

sources | xargs -0 "$go" tool jsonnetfmt -i -n 2 --max-blank-lines 2 --string-style s --comment-style s --
sources | xargs -0 "$go" tool jsonnet-lint --
"$go" run ./mixin/compile/cmd
promtool check rules alerts/*.yaml
