# Everything a person or a CI machine types. Needs make, git and Python >= 3.11; nothing else.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run venv test bench bench-api load faults plan golden diagrams check format lint types imports lock lock-check clean

VENV := .venv
BIN := $(VENV)/bin
FIND_PYTHON = for p in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; exit 0; }; done; exit 1
PYTEST_WORKERS ?= 2

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.local-installed ## start the whole platform on this machine (options: ARGS="--once")
	@$(BIN)/exposure local $(ARGS)

venv: $(VENV)/.dev-installed ## make .venv with everything: what develops, tests and deploys

test: $(VENV)/.dev-installed ## run the whole test suite with coverage
	@$(BIN)/pytest -n $(PYTEST_WORKERS) --dist loadfile --cov --cov-report=term $(ARGS)

bench: $(VENV)/.dev-installed ## measure pushes, pulls, reads and exports on this machine (a quarter of an hour)
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.ingest
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.memory
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.read
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.export
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.start
	@PYTHONPATH=tests:. $(BIN)/python -m benchmarks.slow_warehouse

bench-api: $(VENV)/.dev-installed $(VENV)/peers/.installed ## the read API beside ROAPI, Datasette and PostgreSQL (ten minutes)
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.api --peers $(VENV)/peers/bin $(ARGS)

load: $(VENV)/.dev-installed $(VENV)/load/.installed ## put load on the platform, here or deployed, and report (ARGS="--help")
	@PYTHONPATH=tests:src $(BIN)/python -m load --locust $(VENV)/load/bin/locust $(ARGS)

faults: $(VENV)/.dev-installed ## 10,000 random fault schedules, 200 kill -9, 100 SIGTERM (within an hour)
	@PYTHONPATH=tests $(BIN)/python -m faults.campaign $(ARGS)

plan: $(VENV)/.dev-installed ## print what a stack declares, no account needed (STACK=dev|prod)
	@PYTHONPATH=. $(BIN)/python -m stacks.plan $(or $(STACK),dev)

golden: $(VENV)/.dev-installed ## rewrite the golden plans and SQL; review the diff
	@UPDATE_GOLDEN=1 $(BIN)/pytest -q tests/stacks/test_plan.py tests/warehouse/test_sql.py tests/warehouse/test_aggregate_sql.py \
		tests/warehouse/test_sql_streams.py tests/api/test_openapi.py tests/contracts/test_snapshots.py

diagrams: $(VENV)/.dev-installed ## draw the README's pictures anew from .github/diagrams/*.txt
	@$(BIN)/python .github/diagrams/draw.py

check: format lint types imports lock-check test ## everything CI asks for

format: $(VENV)/.dev-installed
	@$(BIN)/ruff format --check .

lint: $(VENV)/.dev-installed
	@$(BIN)/ruff check .

types: $(VENV)/.dev-installed
	@$(BIN)/mypy

imports: $(VENV)/.dev-installed
	@$(BIN)/lint-imports

# dev holds everything and constrains the rest, so tests run the very versions production runs.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
define LOCK
	@$(COMPILE) --extra local --extra stacks --group dev pyproject.toml -o $(1)/dev.txt
	@for extra in api ingest local stacks; do \
		$(COMPILE) --extra $$extra -c $(1)/dev.txt pyproject.toml -o $(1)/$$extra.txt || exit 1; done
	@$(COMPILE) --group load -c $(1)/dev.txt -o $(1)/load.txt
	@$(COMPILE) --group peers -c $(1)/dev.txt -o $(1)/peers.txt
	@$(COMPILE) --group sbom -c $(1)/dev.txt -o $(1)/sbom.txt
	@$(COMPILE) stacks/policy/requirements.in -o $(2)
endef

lock: $(VENV)/.dev-installed ## bring requirements/*.txt up to date with pyproject.toml
	$(call LOCK,requirements,stacks/policy/requirements.txt)

lock-check: $(VENV)/.dev-installed
	@rm -rf $(VENV)/lock && cp -r requirements $(VENV)/lock && cp stacks/policy/requirements.txt $(VENV)/policy.txt
	$(call LOCK,$(VENV)/lock,$(VENV)/policy.txt)
	@diff -r requirements $(VENV)/lock && diff stacks/policy/requirements.txt $(VENV)/policy.txt || { echo "the locks are older than pyproject.toml: run make lock" >&2; exit 1; }

clean: ## remove the environment and the local platform's data
	rm -rf $(VENV) .exposure

$(BIN)/python:
	@python=$$($(FIND_PYTHON)) || { \
		echo "make needs Python >= 3.11 with venv (Debian: apt-get install python3-venv); or name one: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	echo "creating $(VENV) with $$($$python --version)" && $$python -m venv $(VENV)

# uv, on PATH or here from an earlier run, installs in seconds; pip does the same work more slowly. A lock is whole, so
# neither resolves (--no-deps): an older pip takes a newer package for what is wanted with extras, which no hash covers.
define INSTALL
	@echo "installing requirements/$(1).txt"
	@PATH="$(CURDIR)/$(BIN):$$PATH"; if command -v uv >/dev/null 2>&1; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements/$(1).txt && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/$(1).txt && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
endef

$(VENV)/.local-installed: $(BIN)/python requirements/local.txt pyproject.toml
	$(call INSTALL,local)
	@touch $@

$(VENV)/.dev-installed: $(BIN)/python requirements/dev.txt pyproject.toml
	$(call INSTALL,dev)
	@touch $@ $(VENV)/.local-installed

# Locust has an environment of its own: it replaces the standard library's sockets.
$(VENV)/load/.installed: $(VENV)/.dev-installed requirements/load.txt
	@echo "installing requirements/load.txt"
	@$(BIN)/python -m venv $(VENV)/load
	@$(BIN)/uv pip install --quiet --python $(VENV)/load/bin/python --require-hashes --no-deps -r requirements/load.txt
	@touch $@

# What the read API is measured beside needs other versions of what it is made of.
$(VENV)/peers/.installed: $(VENV)/.dev-installed requirements/peers.txt
	@echo "installing requirements/peers.txt"
	@$(BIN)/python -m venv $(VENV)/peers
	@$(BIN)/uv pip install --quiet --python $(VENV)/peers/bin/python --require-hashes --no-deps -r requirements/peers.txt
	@touch $@
