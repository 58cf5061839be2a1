# drover's commands. `make run` and `make test` are all that a newcomer needs; both install what is
# missing (Debian packages, listed in packaging/deps), build, and then do what they say.

BUILD ?= build
JOBS  ?= $(shell nproc)
BIN   := $(BUILD)/bin
SUDO  := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: docs run stop simulate build soak-migrate test test-unit test-e2e lint format bench fuzz packages soak-guest-boot test-ha soak-ha soak-ha-leader measure-ha asan tsan deps-build deps-run deps-test clean

## Start the three-host sandbox cluster and say where to click and how to log in.
run: deps-run build
	$(SUDO) $(BIN)/drover sandbox up --demo

## Take it down again, with everything that belongs to it.
stop:
	$(SUDO) $(BIN)/drover sandbox down

## A host with simulated machines on 127.0.0.1, without root: N=10000 for another number of them.
simulate: build
	$(BIN)/drover sandbox simulate --machines $(or $(N),1000)

## Programs go to build/bin.
build: deps-build
	@cmake --preset release -B $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	cmake --build $(BUILD) --parallel $(JOBS)

## Every test: unit tests, then the product as a whole with real guests and foreign clients.
test: deps-test deps-run build
	tests/run-all $(BUILD)

test-unit: deps-test build
	ctest --test-dir $(BUILD) --output-on-failure -L unit

test-e2e: deps-test deps-run build
	tests/run-e2e $(BUILD)

## Format, tidy and house rules; `make format` mends the first.
lint: deps-test
	tests/lint/check-format
	tests/lint/check-rules
	tests/lint/check-tidy $(BUILD)

format:
	tests/lint/check-format --fix

## Figures, each with its command: see bench/README.md.
bench: deps-test deps-run build
	bench/run $(BUILD)

## Unit tests under sanitizers.
asan tsan: deps-test deps-build
	cmake --preset $@
	cmake --build build/$@ --parallel $(JOBS)
	ctest --test-dir build/$@ --output-on-failure -L unit

## A short run of every fuzz target.
fuzz: deps-test deps-build
	cmake --preset fuzz
	tests/fuzz/run build/fuzz

## Debian packages, in build/packages.
packages: build
	cd $(BUILD) && cpack -G DEB
	@ls $(BUILD)/packages/*.deb

## A machine that moves under memory load, and moves in the middle of which something is killed.
## Goes on where it was stopped: build/soak-migrate.jsonl has a line for each.
soak-migrate: deps-test deps-run build
	DROVER_BIN_DIR=$(abspath $(BIN)) tests/run-as-root /usr/bin/python3 \
		tests/e2e/center_migration_soak.py --moves $(or $(MOVES),200) --kills $(or $(KILLS),50) \
		--ledger $(abspath $(BUILD))/soak-migrate.jsonl

## The demo guest on every disk bus and network adapter, by BIOS and UEFI (about half an hour).
soak-guest-boot: deps-test deps-run build
	tests/run-as-root /usr/bin/python3 tests/sandbox/guest_boot_soak.py

FAULT_BENCH = DROVER_BIN_DIR=$(abspath $(BIN)) tests/run-as-root /usr/bin/python3 \
	tests/e2e/ha_fault_bench.py

## High availability in simulated worlds, the product's state machine, then with each rule dropped;
## and faults of real hosts with real guests.
test-ha: deps-test deps-run build
	$(BIN)/ha_sim --first 1 --count 500
	$(BIN)/ha_sim --first 1 --count 1000 --mutants
	DROVER_BIN_DIR=$(abspath $(BIN)) tests/run-as-root /usr/bin/python3 \
		tests/e2e/ha_failover_faults.py
	DROVER_BIN_DIR=$(abspath $(BIN)) tests/run-as-root /usr/bin/python3 \
		tests/e2e/ha_migration_faults.py
	DROVER_BIN_DIR=$(abspath $(BIN)) tests/run-as-root /usr/bin/python3 \
		tests/e2e/ha_power_order.py
	rm -f $(BUILD)/test-ha.jsonl $(BUILD)/test-ha-etcd.jsonl
	$(FAULT_BENCH) --faults 30 --ledger $(abspath $(BUILD))/test-ha.jsonl
	$(FAULT_BENCH) --faults 35 --etcd --ledger $(abspath $(BUILD))/test-ha-etcd.jsonl

## Twenty thousand worlds (SEEDS=100000 for more), then a thousand faults of real hosts (FAULTS=5000),
## a third of them with an etcd, and ten minutes without any hostd. Goes on where it was stopped:
## build/soak-ha*.jsonl have a line for each.
soak-ha: deps-test deps-run build
	$(BIN)/ha_sim --first 1 --count $(or $(SEEDS),20000) --ledger $(BUILD)/soak-ha.ledger
	$(FAULT_BENCH) --faults $(shell expr $(or $(FAULTS),1000) '*' 2 / 3) \
		--ledger $(abspath $(BUILD))/soak-ha.jsonl
	$(FAULT_BENCH) --faults $(shell expr $(or $(FAULTS),1000) / 3 + 1) --etcd \
		--ledger $(abspath $(BUILD))/soak-ha-etcd.jsonl
	$(FAULT_BENCH) --etcd --kind hostd_away --faults 1 \
		--ledger $(abspath $(BUILD))/soak-ha-hostd.jsonl

## An hour in which the host of etcd's leader loses its network every two minutes: nobody is fenced.
## Goes on where it was stopped.
soak-ha-leader: deps-test deps-run build
	$(FAULT_BENCH) --etcd --kind etcd_leader_cut --every 120 --faults 30 \
		--ledger $(abspath $(BUILD))/soak-ha-leader.jsonl

## How soon machines run again of a host that is unplugged: two hosts, and three with an etcd. Says more
## on a machine that does nothing else.
measure-ha: deps-test deps-run build
	rm -f $(BUILD)/measure-ha-2.jsonl $(BUILD)/measure-ha-etcd.jsonl
	$(FAULT_BENCH) --hosts 2 --kind host_killed --faults 15 \
		--ledger $(abspath $(BUILD))/measure-ha-2.jsonl
	$(FAULT_BENCH) --etcd --kind host_killed --faults 15 \
		--ledger $(abspath $(BUILD))/measure-ha-etcd.jsonl

## The reference pages that are made of the program itself.
docs: build
	cmake --build $(BUILD) --target docs

deps-build:
	@packaging/install-deps build
deps-run:
	@packaging/install-deps run
deps-test:
	@packaging/install-deps test

clean:
	rm -rf $(BUILD)
