# make demo    the whole system with simulated homes      make test    every test
# make check   style, types, import contracts             make bench   the measurements
# make fuzz    a million damaged messages, the whole way into a database
# make soak    fault rounds: make soak ROUNDS=500 SEED=7, or one of them alone: make soak SEED=7 ROUND=41
# ARGS are handed on: make demo ARGS="--homes 5", make test ARGS="-k gateway -x"

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile
UV := $(BIN)/uv pip
COMPILE := $(UV) compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(ARGS)

.PHONY: demo test check bench fuzz soak lock clean
.DELETE_ON_ERROR:

demo: .venv/runtime
	@$(BIN)/nyttig demo $(ARGS)

# Two files at a time: most of what a test does is to wait for a service.
test: .venv/dev
	@$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# A few minutes; make bench ARGS=--full takes far longer and 20 GB. What has no main() is what the measurements share.
bench: .venv/dev
	@for measurement in $$(grep -l '^def main' bench/*.py); do echo "== $$measurement"; $(BIN)/python $$measurement $(ARGS) || exit 1; done

fuzz: .venv/dev
	@$(BIN)/python tests/fuzz.py $(ARGS)

ROUNDS ?= 500
SEED ?= 1
soak: .venv/dev
	@ROUNDS=$(ROUNDS) SEED=$(SEED) ROUND=$(ROUND) $(BIN)/pytest -q -s tests/test_ingest_rounds.py $(ARGS)

# One environment: the demo needs the runtime set, the tests add theirs on top. uv installs ten times as fast as
# pip; where it cannot (a proxy or an index that only pip was told about), pip does.
.venv/runtime: requirements.txt pyproject.toml | $(BIN)/uv
	@echo "Installing Nyttig into .venv (once)"
	@$(UV) install --quiet --require-hashes -r requirements.txt || $(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: requirements-dev.txt .venv/runtime
	@echo "Adding what the tests need"
	@$(UV) install --quiet --require-hashes -r requirements-dev.txt || $(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

$(BIN)/uv: requirements-install.txt | $(BIN)/python
	@$(PIP) --require-hashes -r requirements-install.txt
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Nyttig needs Python 3.11 or newer, and $(PYTHON) is not; try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
		exit 1; }
	@$(PYTHON) -m venv .venv

# Versions stay as they are unless pyproject.toml asks otherwise; to move one: make lock ARGS="--upgrade-package pandas"
lock: | $(BIN)/uv
	@printf '%s\n' 'setuptools>=77' uv | $(COMPILE) - --output-file requirements-install.txt
	@$(COMPILE) pyproject.toml --output-file requirements.txt
	@$(COMPILE) pyproject.toml --group dev --constraint requirements.txt --output-file requirements-dev.txt

# What can be made again; a demo's data and .trixie stay.
clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.trixie/*' -prune -exec rm -rf {} +
