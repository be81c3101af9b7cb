# `make` explains the targets. Everything is installed into .venv, with the versions of constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# pip does this on one core, and for the tests of each package too; templates that are no Python stay
BYTECODE = $(BIN)/python -W ignore -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib || true
PYTEST := $(BIN)/python -m pytest
# by this name `make -n` prints the command only
AGAIN := $(MAKE) --no-print-directory
# side by side; tests of one group, such as those that share a Ray cluster, stay together
SPREAD := --numprocesses auto --dist loadgroup
# tests of the rooms with compiled kernels, and others that have no branches to count
IN_COMMUNITY := coordination envs fused golden machines past safety voltage
KERNELS := $(addprefix tests/,assets battery compilation grid market wholesale $(addprefix community/,$(IN_COMMUNITY)))
UNTRACED := $(KERNELS) tests/determinism tests/docs tests/report
TYPED := $(wildcard p2p_market baselines report leaderboard tools)

# Stamps: an environment is renewed when what it is made from changes, and only then.
CREATED := $(VENV)/created.stamp
RUN_READY := $(VENV)/run.stamp
DOCS_READY := $(VENV)/docs.stamp
TEST_READY := $(VENV)/test.stamp
INPUTS := pyproject.toml constraints.txt
MEASURED := .benchmarks/latest.json

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help benchmark docs notebooks test test-all checked lint fast full coverage bench bench-baseline scaling cards results clean

help:
	@echo 'make benchmark  evaluate the quick policies on held-out weeks of the default scenario; the table on'
	@echo '                screen, details in results/ (all scenarios: make benchmark ARGS=--all, in a few'
	@echo '                minutes; more options: make benchmark ARGS=--help)'
	@echo 'make test       what continuous integration runs: lint, coverage'
	@echo 'make test-all   the same with slow tests and freshly drawn examples'
	@echo 'make docs       the documentation as a site, in build/docs; a warning or a lost link is an error'
	@echo 'make notebooks  run the notebooks and keep what they print, in some ten minutes'
	@echo 'make lint       ruff, formatting, types'
	@echo 'make fast       tests that take seconds, the conformance battery over every scenario, mechanism'
	@echo '                and rule, and the wheel in an empty environment'
	@echo 'make coverage   the same tests with branch coverage; those of kernels again as plain Python'
	@echo 'make bench      speed of engine and market compared with the stored baseline, in three minutes'
	@echo 'make bench-baseline MACHINE="in words"  stores what make bench measured last'
	@echo 'make scaling    speed by number of prosumers and of communities; the picture of docs/performance.md'
	@echo 'make cards      docs/cards/ again from the code'
	@echo 'make results    docs/results.md again from the records of published trainings'
	@echo 'make clean      remove .venv, caches and builds; results/ stays'
	@echo
	@echo 'Needs Python 3.11 or newer, make and git. Another Python: make PYTHON=python3.12 TARGET'

benchmark: $(RUN_READY)
	$(BIN)/p2p-market benchmark $(ARGS)

docs: $(DOCS_READY)
	$(BIN)/python -m tools.site

notebooks: $(TEST_READY)
	$(BIN)/python -m tools.run_notebooks

test: checked coverage

test-all: checked full coverage

# Types are checked on one core, while others compile what every worker of the tests would compile.
checked: $(TEST_READY)
	$(BIN)/python -m tools.compile_kernels & $(AGAIN) lint && wait $$!

lint: $(TEST_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)

# Each worker has a core to itself; threads of libraries would wait for each other, at twice the work.
fast full coverage: export OMP_NUM_THREADS := 1

fast: $(TEST_READY)
	$(PYTEST) $(SPREAD)

full: $(TEST_READY)
	$(PYTEST) $(SPREAD) -m '' --hypothesis-profile explore

# Compiled code cannot be traced, so kernels run once more as plain Python: same results, honest branches.
coverage: $(TEST_READY)
	$(PYTEST) $(SPREAD) $(addprefix --untraced=,$(UNTRACED)) --cov --cov-report= --cov-fail-under=0
	NUMBA_DISABLE_JIT=1 $(PYTEST) $(SPREAD) $(KERNELS) -m 'not (slow or compiled)' --hypothesis-profile plain \
	    --cov --cov-append

# A quiet machine gives figures that mean something.
bench: $(TEST_READY)
	@mkdir -p .benchmarks
	$(PYTEST) tests/benchmarks --override-ini addopts= --benchmark-only --benchmark-json=$(MEASURED) -q
	$(BIN)/python -m tools.compare_benchmarks $(MEASURED)

bench-baseline: $(TEST_READY)
	$(BIN)/python -m tools.compare_benchmarks $(MEASURED) --renew '$(or $(MACHINE),a machine without a name)'

scaling: $(TEST_READY)
	$(BIN)/python -m tools.measure_scaling

cards: $(TEST_READY)
	$(BIN)/python -m tools.build_cards

results: $(RUN_READY)
	$(BIN)/python -m tools.publish page

clean:
	rm -rf $(VENV) dist build htmlcov .coverage .coverage.* .benchmarks .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A .venv that somebody else made is used as it is; nothing in it is removed.
$(CREATED):
	@if test -e $(VENV); then \
	    $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	        echo '$(VENV) is there, but has no Python 3.11 or newer with pip; remove it and run make again' >&2; \
	        exit 1; }; \
	else \
	    command -v $(PYTHON) >/dev/null || { \
	        echo 'p2p_market needs Python 3.11 or newer, and "$(PYTHON)" was not found: make PYTHON=/path/to/python3.11' >&2; \
	        exit 1; }; \
	    $(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("p2p_market needs Python 3.11 or newer, and $(PYTHON) is %d.%d: make PYTHON=/path/to/python3.11" % sys.version_info[:2])' || exit 1; \
	    $(PYTHON) -c 'import ensurepip, venv' || { \
	        echo '$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv' >&2; \
	        exit 1; }; \
	    $(PYTHON) -m venv $(VENV) || exit 1; \
	fi
	@touch $@

$(RUN_READY): $(CREATED) $(INPUTS)
	@echo 'Installing p2p_market and its solvers into $(VENV); the first time takes a few minutes ...'
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[optimal,report]'
	@touch $@

$(DOCS_READY): $(CREATED) $(INPUTS)
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[docs]'
	@touch $@

$(TEST_READY): $(CREATED) $(INPUTS)
	@echo 'Installing p2p_market and its test tools into $(VENV); the first time takes a few minutes ...'
	@$(PIP) install --quiet --no-compile --constraint constraints.txt torch
	@$(PIP) install --quiet --no-compile --constraint constraints.txt --editable '.[optimal,report,rl,onnx,leaderboard,interop,ray,rllib,sb3,langgraph,grid-test,dashboard,docs,dev]'
	@$(BYTECODE)
	@touch $(RUN_READY) $(DOCS_READY) $@
