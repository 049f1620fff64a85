# Every target makes the environment itself when it is missing; all that is needed is Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export DO_NOT_TRACK := 1
export RUNTIME__DLTHUB_TELEMETRY := false
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: help run test ui lint types bench lock clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(READY) ## the main job against the sandbox: extract, rebuild, check, publish, correct, and once more
	@$(BIN)/concord run

ui: $(READY) ## the Dagster UI on port 3000
	@$(BIN)/concord ui

test: lint types ## lint, types, dbt and pytest
	@$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder

lint: $(READY) ## ruff
	@$(BIN)/ruff check .

types: $(READY) ## mypy
	@$(BIN)/mypy

bench: $(READY) ## the slow benchmarks; they print ratios
	@for bench in benchmarks/*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

lock: $(READY) ## resolve pyproject.toml again into requirements.lock
	@$(BIN)/python -m pip install -q uv
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --extra dev --generate-hashes \
		--no-strip-extras --no-emit-index-url --no-annotate --no-header -o requirements.lock pyproject.toml

clean: ## remove state, caches and the environment
	@$(BIN)/concord sandbox stop >/dev/null 2>&1 || true
	rm -rf var $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Concord needs Python 3.11 or newer; name one with make PYTHON=python3.12")'
	@echo "Making the environment in $(VENV) (a few minutes, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps -q -r requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@$(BIN)/concord prepare
	@touch $(READY)
