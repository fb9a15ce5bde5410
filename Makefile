# make test    everything that must hold: format, vet, static analysis, all tests
# make lint    the linters of .golangci.yml, and the determinism check
# make race    the tests under the race detector only
# make bench   orgflow beside the least that could do the same, and beside what
#              people write today: one table, some fifteen minutes
# make microbench  the Go benchmarks of single packages
# make chaos   ten minutes of syncs, flows, pulls and loads on a cluster whose
#              processes, connections, vendors, clocks and disk are disturbed at
#              random; losses fail. ORGFLOW_STORM_SEED=7 draws the same again,
#              ORGFLOW_STORM_REPORT=path keeps the report, ORGFLOW_STORM_LOGS=dir
#              what all processes have written
# make soak    the same with rare faults, and a look at what grows
# make killpoints  a worker process killed at every operation boundary of a plan;
#              about 20 minutes. CHAOS_POINTS=1-50 restricts it to a range of
#              points, CHAOS_LANES=24 says how many runs are under way at a time
# make licences  THIRD_PARTY.md: the modules that are built in, with licences
# make build   bin/worker, bin/starter, bin/standalone
# make release dist/: static binaries for linux/amd64 and arm64, images to load
#              without a registry, the list of components (SBOM) of each
#              program, checksums, sizes

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := test

# The one place for build flags. A different flag changes every key of the
# build cache: the embedded Temporal server then compiles for minutes again.
# So builds, tests and CI all use these, and nothing adds its own.
FLAGS ?= -buildvcs=false

# The newest tag and what came after it; --version prints it. The linker puts
# it in, so it changes no key of the build cache but the programs' own.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS = -X orgflow/internal/version.number=$(VERSION)

STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.7.0
WORKFLOWCHECK := go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
LICENCES      := go.elastic.co/go-licence-detector@v0.11.1
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# Packages whose tests link the Temporal server: 8 s and 2.6 GB each, and
# several times that under the race detector. They run one at a time, without it.
HEAVY := orgflow/internal/embedded orgflow/standalone orgflow/e2e orgflow/bench
# Expanded when used, so that "make build" need not list packages.
PACKAGES = $(shell go list ./...)
# The long ones first, so that none of them runs alone in the end.
LONG := orgflow/activities orgflow/internal/store orgflow/internal/console orgflow/internal/app
LIGHT = $(LONG) $(filter-out $(LONG) $(HEAVY) $(addsuffix /%,$(HEAVY)),$(PACKAGES))
PRESENT_HEAVY = $(filter $(HEAVY) $(addsuffix /%,$(HEAVY)),$(PACKAGES))

.PHONY: test fmt vet staticcheck workflowcheck golangci lint images race kills heavy bench microbench chaos soak killpoints licences build release clean

test: fmt vet staticcheck workflowcheck golangci images race kills heavy

fmt:
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; fi

vet:
	go vet $(FLAGS) ./...

staticcheck:
	go run $(FLAGS) $(STATICCHECK) ./...

# Workflow code must be deterministic: no clocks, random numbers, map ranges.
workflowcheck:
	go run $(FLAGS) $(WORKFLOWCHECK) ./workflows/...

golangci:
	go run $(FLAGS) $(GOLANGCI_LINT) run ./...

lint: fmt vet golangci workflowcheck

# What packs the images of a release is a module of its own, and its tests read
# files of this one, of which the test cache knows nothing.
images:
	cd deploy/image && go vet $(FLAGS) . && go run $(FLAGS) $(STATICCHECK) . && go run $(FLAGS) $(GOLANGCI_LINT) run . && go test $(FLAGS) -count=1 .

# SQLite is C translated to Go with memory of its own: nothing there for the
# race detector to find, and it runs there many times as slow. The driver on
# top of it, which shares memory with us, stays under it.
NO_RACE := -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc/...=-race=false

race:
	go test $(FLAGS) -race $(NO_RACE) -timeout 30m $(LIGHT)

# Under the race detector a sample of the points at which a worker is killed,
# and few repetitions of races in the database, are tried; here all of them.
kills:
	go test $(FLAGS) -timeout 30m ./activities ./internal/store

# Most of their time they wait for other processes: more of them at once than
# there are cores.
heavy:
	go test $(FLAGS) -p 1 -parallel 4 -timeout 40m $(PRESENT_HEAVY)

# Conditions and results are in docs/performance.md. "go run ./bench tune",
# which compares settings of a worker, is apart.
bench:
	go run $(FLAGS) ./bench

microbench:
	go test $(FLAGS) -run '^$$' -bench . -benchmem -timeout 90m $(LIGHT)

# "make heavy" has a storm of seconds. Compiling the programs with a clock that
# can be set takes minutes, the first time.
chaos:
	ORGFLOW_STORM=10m go test $(FLAGS) -v -timeout 40m -run 'TestStorm$$' ./e2e

soak:
	ORGFLOW_STORM=10m ORGFLOW_STORM_RARE=1 go test $(FLAGS) -v -timeout 40m -run 'TestStorm$$' ./e2e

# "make heavy" kills at a sample of the points.
killpoints:
	ORGFLOW_CHAOS=all go test $(FLAGS) -v -timeout 4h -run TestKilledAtEveryOperationBoundary ./e2e

# Which licences may be built in is in .ci/licences.json, what the tool cannot
# find out by itself in .ci/licences-known.ndjson. TestThirdParty compares.
licences:
	go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}' ./worker ./starter ./standalone | sort -u | xargs go list -m -json | \
	go run $(FLAGS) $(LICENCES) -includeIndirect -rules .ci/licences.json -overrides .ci/licences-known.ndjson -depsTemplate .ci/licences.tmpl -depsOut THIRD_PARTY.md

build:
	go build $(FLAGS) -ldflags '$(LDFLAGS)' -o bin/ ./worker ./starter ./standalone

# Without -trimpath, which would compile the Temporal server again.
release:
	VERSION='$(VERSION)' FLAGS='$(FLAGS)' deploy/release.sh dist

clean:
	rm -rf bin dist
