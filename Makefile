# `make demo` and `make test` are all that a bare Debian machine needs; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers generated tests check-long fuzz soak bench generate fixtures docs clean setup-demo setup-dev

help: ## List what can be made.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: setup-demo ## Set up what the demo needs, then run it.
	$(BIN)/prcard demo

test: setup-dev ## Set up what the tests need, then run every check and test.
	@$(MAKE) --no-print-directory check

check: lint types layers generated tests ## Lint, types, import layers, generated files, tests with the coverage gate.

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

layers:
	$(BIN)/lint-imports

generated:
	$(BIN)/python -m prcard.cli.generated_files --check
	$(BIN)/python fixtures/make.py --check

tests:
	$(BIN)/coverage erase
	$(BIN)/pytest -n 2 --cov --cov-report=term

check-long: setup-dev ## The same with the long mode: 200,000 and more cases for each law.
	@$(MAKE) --no-print-directory lint types layers generated
	PRCARD_LONG=1 $(BIN)/pytest -n 2 -p no:cacheprovider --timeout=3000

fuzz: setup-dev ## Only the long runs against hostile input.
	PRCARD_LONG=1 $(BIN)/pytest -n 2 -m long --timeout=3000

soak: setup-dev ## Read cards for SECONDS=600 over a pty with faults mixed in; memory and descriptors must not grow.
	$(BIN)/python benchmarks/soak/run.py --seconds $${SECONDS_TO_RUN:-600}

bench: setup-dev ## Compare with the alternatives in one run; writes benchmarks/latest.json.
	$(BIN)/python benchmarks/run.py

generate: setup-dev ## Write the generated files: codec, country table, schemas, reference pages.
	$(BIN)/python -m prcard.cli.generated_files

fixtures: setup-dev ## Write the fixtures from their recipes.
	$(BIN)/python fixtures/make.py

docs: setup-dev ## Build the documentation into site/.
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[docs]'
	$(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

clean: ## Remove what was built, the environment too.
	rm -rf $(VENV) site build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

setup-demo:
	@PYTHON="$(PYTHON)" ./setup.sh serial

setup-dev:
	@PYTHON="$(PYTHON)" ./setup.sh dev
