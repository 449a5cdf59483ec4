# `make demo` and `make test` are all that a bare Debian machine needs; `make help` lists the rest.
# Every target first sets up what it needs (setup.sh); that says and does nothing when all is there.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash
DURATION_S ?= 600
export PYTHON
.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers generated pytest check-long fuzz soak bench screenshots generate fixtures docs \
	clean setup-demo setup-dev setup-docs

help: ## List what can be made.
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: setup-demo ## Set up what the demo needs, then show the whole story on a virtual serial reader.
	@$(BIN)/prcard demo

test: check ## Set up what the tests need, then run every check and every test; CI runs this.

check: lint types layers generated pytest ## The same by its other name: lint, types, layers, generated files, tests.

lint: setup-dev ## Judge style and format (ruff).
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev ## Judge types, strictly (mypy).
	$(BIN)/mypy

layers: setup-dev ## Judge that imports point down (import-linter).
	$(BIN)/lint-imports

generated: setup-dev ## Judge that generated files and fixtures are what their sources give.
	$(BIN)/python -m prcard.cli.generated_files --check
	$(BIN)/python fixtures/make.py --check

pytest: setup-dev ## Run the tests with the coverage gate.
	$(BIN)/coverage erase
	$(BIN)/pytest -n 2 --cov --cov-report=term

check-long: setup-dev lint types layers generated ## The same in the long mode: 20,000 and more cases for each law.
	PRCARD_LONG=1 $(BIN)/pytest -n 2 --timeout=3000

fuzz: setup-dev ## Run only the long tests against hostile input.
	PRCARD_LONG=1 $(BIN)/pytest -n 2 -m long --timeout=3000

soak: setup-dev ## Read cards for DURATION_S=600 seconds with faults mixed in; memory and descriptors must not grow.
	$(BIN)/python benchmarks/soak/run.py --seconds $(DURATION_S)
	$(BIN)/python benchmarks/soak/pcsc.py --insertions 200

bench: setup-dev ## Compare with the alternatives in one run; writes benchmarks/latest.json.
	$(BIN)/python benchmarks/run.py

screenshots: setup-dev ## Take the pictures of the counter page anew, in Chinese and English.
	$(BIN)/python docs/screenshots.py

generate: setup-dev ## Write the generated files: codec, country table, schemas, reference pages.
	$(BIN)/python -m prcard.cli.generated_files

fixtures: setup-dev ## Write the fixtures from their recipes.
	$(BIN)/python fixtures/make.py

docs: setup-docs ## Build the documentation into site/.
	$(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html"

clean: ## Remove all that was built, the environment too.
	rm -rf .venv .peers site build dist .coverage .coverage.* .hypothesis .*_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-demo:
	@./setup.sh serial

setup-dev:
	@./setup.sh dev

setup-docs:
	@./setup.sh docs
