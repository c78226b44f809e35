# Thin front for meson.  `make help` lists the targets; docs/testing.md explains them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
.NOTPARALLEL:

BUILD ?= build
JOBS ?= $(shell nproc)
# In CI a warning is an error; elsewhere a newer compiler's new warning must not stop a user.
WERROR ?= $(if $(CI),true,false)
VECTORS ?= ../shared/vectors
SEED ?= 1
# Executions per fuzz target.
FUZZ_RUNS ?= 100000
MESON_OPTIONS := -Dbuildtype=release -Dwerror=$(WERROR) -Dvectors=$(VECTORS)

.PHONY: help deps deps-all npm build test testnet e2e scenarios bench lint tidy format fuzz sim sim-check swarm \
	planted twins coverage model soak clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## /  make \1\t/' | expand -t 20

deps: ## install what building and testing needs and the machine lacks (apt-get)
	@tools/deps.sh

deps-all: ## the same, plus clang, clang-tidy and gcovr for fuzz, tidy and coverage
	@tools/deps.sh all

npm: ## a second EVM for `make bench`, from npm; package-lock.json names it
	@npm ci

build: ## release build into build/ (the default target)
	@tools/configure.sh $(BUILD) $(MESON_OPTIONS)
	@ninja -C $(BUILD) -j $(JOBS)

test: deps ## deps, build, whole test suite; ends with "N passed, N failed, N skipped"
	@tools/configure.sh $(BUILD) $(MESON_OPTIONS) -Dtests=enabled
	@ninja -C $(BUILD) -j $(JOBS)
	@python3 tools/run_tests.py --build $(BUILD) --jobs $(JOBS)

testnet: deps build ## a local network of four validators, ten funded accounts, until Ctrl-C
	@$(BUILD)/tandem testnet up -n 4

e2e: deps build ## ethers, viem and cast (from npm) against a local network of their own
	@tools/e2e.sh $(BUILD)

scenarios: build ## every scenario of faults on real processes (ten minutes)
	@python3 tests/testnet/scenarios.py $(BUILD)/tandem all

bench: build ## figures of this machine (docs/benchmarks.md records them)
	@meson test -C $(BUILD) --benchmark --verbose --num-processes 1

lint: ## every lint gate, one line each
	@tools/deps.sh lint
	@python3 tools/lint/run.py

tidy: deps-all build ## clang-tidy: bugprone, cert, analyzer (slow)
	@tools/tidy.sh $(BUILD) $(JOBS)

format: ## clang-format over every C file
	@git ls-files --cached --others --exclude-standard '*.c' '*.h' | xargs -r clang-format -i

fuzz: deps-all ## every libFuzzer target under ASan+UBSan, FUZZ_RUNS executions each
	@CC=clang tools/configure.sh build-fuzz -Dbuildtype=debugoptimized -Dfuzz=true \
		-Db_sanitize=address,undefined -Db_lundef=false -Dvectors=$(VECTORS)
	@ninja -C build-fuzz -j $(JOBS)
	@tools/fuzz.sh build-fuzz $(FUZZ_RUNS)

sim: build ## one simulated network: seven validators, ten minutes
	$(BUILD)/tandem sim --seed $(SEED) --nodes 7 --minutes 10

sim-check: build ## 100 seeds of ten minutes: the check for every change
	$(BUILD)/tandem sim --seed $(SEED) --swarm 100 --nodes 7 --minutes 10 -j $(JOBS)

swarm: build ## 1000 seeds of thirty minutes: the long campaign
	$(BUILD)/tandem sim --seed $(SEED) --swarm 1000 --nodes 7 --minutes 30 -j $(JOBS)

soak: build ## 1000 SIGKILLs of validators at random moments: nothing final is lost
	@python3 tests/testnet/kill.py $(BUILD)/tandem --kills 1000 --seed $(SEED)

planted: build ## every planted bug until the simulator finds it
	$(BUILD)/tandem-sim-planted --planted

twins: build ## twin validators: a sample of the enumeration
	$(BUILD)/tandem sim --twins

coverage: deps-all ## branch coverage of consensus/ by the tests; fails under 95 %
	@tools/configure.sh build-cov -Dbuildtype=debug -Db_coverage=true -Dtests=enabled \
		-Dvectors=$(VECTORS)
	@ninja -C build-cov -j $(JOBS)
	@tools/coverage.sh build-cov $(JOBS)

model: build ## the Promela model: spin proves the rules and refutes the broken variant
	@python3 tools/run_tests.py --build $(BUILD) --suite model

clean: ## remove every build folder the Makefile makes
	rm -rf build build-fuzz build-cov build-ci-clang build-ci-asan
