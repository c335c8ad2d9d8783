# Everything that is done to this project by hand or by CI. `make` lists it.

GO          ?= go
BINARY      := vmpooler_exporter
VERSION     := $(shell cat VERSION)

# What .promu.yml says as well; internal/build holds the two together.
BUILD_FLAGS := -trimpath -buildvcs=false -tags netgo,osusergo
VERSION_PKG := github.com/prometheus/common/version
REVISION     = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH       = $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
BUILD_USER   = $(shell id -un)@$(shell uname -n)
# The commit's date, or $SOURCE_DATE_EPOCH: who builds the same twice gets the same.
EPOCH        = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null || date +%s))
BUILD_DATE   = $(shell scripts/utc.sh $(EPOCH) +%Y%m%d-%H:%M:%S)
LDFLAGS      = -s \
	-X $(VERSION_PKG).Version=$(VERSION) \
	-X $(VERSION_PKG).Revision=$(REVISION) \
	-X $(VERSION_PKG).Branch=$(BRANCH) \
	-X $(VERSION_PKG).BuildUser=$(BUILD_USER) \
	-X $(VERSION_PKG).BuildDate=$(BUILD_DATE)

TARBALL_FILES := LICENSE NOTICE
PLATFORMS     := linux/amd64 linux/arm64 linux/armv7 linux/ppc64le linux/s390x \
	darwin/amd64 darwin/arm64 freebsd/amd64 openbsd/amd64 netbsd/amd64

GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := GO='$(GO)' scripts/golangci-lint.sh $(GOLANGCI_LINT_VERSION)

AXE_VERSION := 4.14.1

# What the tests of the page look at it with, where they keep what they saw, and where
# they say what they left out: go test shows nothing of a package that passes.
export AXE         ?= $(CURDIR)/.bin/axe.min.js
export SCREENSHOTS ?= $(CURDIR)/.build/screenshots
export NOT_TESTED  := $(CURDIR)/.build/not-tested
TELL = cat '$(NOT_TESTED)' 2>/dev/null >&2; \
	[ ! -d '$(SCREENSHOTS)' ] || echo 'screenshots of the page are in $(SCREENSHOTS)'

TESTFLAGS  ?=
RACED      ?= $$($(GO) list ./... | grep -v /mixin/)
FUZZTIME   ?= 20s
BENCHTIME  ?= 15s
DESTDIR    ?=
PREFIX     ?= /usr/local

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: build ## build, and serve the metrics of a simulated vmpooler
	./$(BINARY) demo

.PHONY: build
build: ## build ./vmpooler_exporter as .promu.yml describes
	CGO_ENABLED=0 $(GO) build $(BUILD_FLAGS) -ldflags '$(LDFLAGS)' -o $(BINARY) .

.PHONY: redis
redis: ## install redis-server and redis-sentinel for the tests, if missing
	@scripts/install-redis.sh

.PHONY: browser
browser: ## install Chromium, axe-core and curl for the tests, if missing
	@scripts/install-chromium.sh
	@scripts/install-axe.sh $(AXE_VERSION) '$(AXE)'

.PHONY: prometheus
prometheus: ## install Prometheus, Alertmanager and their tools for the tests, if missing
	@scripts/install-prometheus.sh

.PHONY: test
test: redis browser prometheus ## run all tests (TESTFLAGS=-v)
	@rm -f '$(NOT_TESTED)'
	$(GO) test $(TESTFLAGS) ./...; failed=$$?; $(TELL); exit $$failed

.PHONY: race
race: redis browser ## run all tests but the mixin's with the race detector
	@rm -f '$(NOT_TESTED)'
	CGO_ENABLED=1 $(GO) test -race $(TESTFLAGS) $(RACED); failed=$$?; $(TELL); exit $$failed

.PHONY: fuzz
fuzz: redis ## run each fuzz target for FUZZTIME (20s)
	GO='$(GO)' scripts/fuzz.sh $(FUZZTIME)

.PHONY: fuzz-seeds
fuzz-seeds: redis ## run the fuzz targets' seeds only
	$(GO) test -run '^Fuzz' $(TESTFLAGS) ./...

.PHONY: mixin
mixin: prometheus ## format, lint and compile the mixin into alerts/ and dashboards/
	GO='$(GO)' scripts/mixin.sh

.PHONY: mixin-test
mixin-test: redis prometheus ## test alerts, rules and dashboards: their own tests, linters, incidents, end to end
	$(GO) test $(TESTFLAGS) ./mixin/...

.PHONY: bench
bench: redis prometheus ## measure scrapes, sweeps, dead letters and panels; fail on a missed target (BENCHTIME=15s)
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) -timeout 30m ./internal/bench/
	$(GO) test -run '^$$' -bench Panels -benchtime 5x -timeout 30m ./mixin/endtoend/

.PHONY: lint
lint: vet golangci-lint ## run vet and golangci-lint, which holds the import graph too

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: golangci-lint
golangci-lint:
	$(GOLANGCI_LINT) run --allow-parallel-runners ./...

.PHONY: linters
linters: ## build golangci-lint, if missing
	@$(GOLANGCI_LINT)

.PHONY: fmt
fmt: ## format the Go code (gofumpt, goimports)
	$(GOLANGCI_LINT) fmt ./...

.PHONY: generate
generate: redis browser prometheus ## write generated and golden files anew
	GO='$(GO)' scripts/generate.sh

.PHONY: check-generated
check-generated: prometheus ## fail if generated files, go.mod or formatting are not up to date
	GO='$(GO)' scripts/check-generated.sh $(GOLANGCI_LINT_VERSION)

.PHONY: ci
ci: ## everything that CI runs
	.ci/run

# GOOS and GOARCH choose the platform, as for go build.
.PHONY: tarball
tarball: build ## pack a release for this platform into .tarballs/
	GO='$(GO)' scripts/tarball.sh $(VERSION) $(EPOCH) $(BINARY) $(TARBALL_FILES)

.PHONY: crossbuild
crossbuild: ## build for every platform of .promu.yml into .build/
	@for p in $(PLATFORMS); do \
		arch=$${p#*/}; arm=; \
		case $$arch in armv*) arm=$${arch#armv}; arch=arm;; esac; \
		echo "$$p"; \
		$(MAKE) --no-print-directory -s build BINARY=.build/$${p%/*}-$${p#*/}/$(BINARY) \
			GOOS=$${p%/*} GOARCH=$$arch GOARM=$$arm || exit; \
	done

.PHONY: install
install: build ## install the program and its systemd unit (DESTDIR, PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/doc/$(BINARY)
	install -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/
	sed 's|/usr/local/bin/|$(PREFIX)/bin/|' examples/systemd/$(BINARY).service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/$(BINARY).service
	install -m 644 LICENSE NOTICE examples/systemd/$(BINARY).default $(DESTDIR)$(PREFIX)/share/doc/$(BINARY)/

.PHONY: clean
clean: ## remove what was built (not what Go caches)
	rm -rf $(BINARY) .build .tarballs .bin
