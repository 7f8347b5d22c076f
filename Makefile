# Two verbs do everything on a fresh machine with Python 3.11+, make and Node 20+: `make start` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --editable
UI := host/web/dashboard/ui
PAGES := host/web/dashboard/static/index.html
NO_PAGES := "The pages of the dashboard are not built, which needs Node 20.19 or newer. Everything else works."

.PHONY: start test bench dashboard fmt lint types unit docs protos coverage clean

start: $(VENV)/runtime
	@$(MAKE) --no-print-directory dashboard || echo $(NO_PAGES)
	$(BIN)/fnhost start $(ARGS)

test: lint types $(VENV)/installed $(PAGES)
	$(BIN)/python -m fnhost.azurite
	$(BIN)/python -m tests.support.npm
	$(BIN)/python -m tests.support.browser
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks $(ARGS)

# Parts of `make test`, and what else contributors use: see CONTRIBUTING.md.

fmt: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(VENV)/installed $(UI)/node_modules/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	npm --prefix $(UI) run --silent check

types: $(VENV)/installed
	$(BIN)/mypy
	$(BIN)/mypy --config-file host/worker/languages/python/mypy.ini

unit: $(VENV)/installed
	$(BIN)/pytest -n 2 tests/unit $(ARGS)

docs: $(VENV)/documentation
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir build/site

# With a compiler as old as the oldest protobuf that may be installed: what it generates runs with every newer one.
protos:
	test -x build/protos/bin/python || $(PYTHON) -m venv build/protos
	build/protos/bin/python -m pip install --quiet 'grpcio-tools==1.64.*' 'setuptools<80'
	build/protos/bin/python -m grpc_tools.protoc -I fnhost/host/rpc=host/rpc --python_out=. --pyi_out=. host/rpc/*.proto

coverage: $(VENV)/installed $(PAGES)
	$(BIN)/python -m fnhost.azurite
	$(BIN)/python -m tests.support.npm
	$(BIN)/python -m tests.support.browser
	$(BIN)/pytest -n 2 --cov --cov-report=html --cov-report=term:skip-covered $(ARGS)

# What each verb needs is installed once, and again when pyproject.toml changes.

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: pyproject.toml | $(VENV)/bin/python
	$(INSTALL) '.[samples]'
	touch $@

$(VENV)/installed: pyproject.toml $(VENV)/runtime
	$(INSTALL) '.[test]'
	touch $@

$(VENV)/documentation: pyproject.toml | $(VENV)/bin/python
	$(INSTALL) '.[docs]'
	touch $@

# The pages of the dashboard: built once, and again when their sources change.

dashboard: $(PAGES)

$(PAGES): $(UI)/node_modules/installed $(shell find $(UI)/src -type f) $(wildcard $(UI)/*.html $(UI)/*.ts $(UI)/*.js)
	npm --prefix $(UI) run --silent build

$(UI)/node_modules/installed: $(UI)/package.json $(UI)/package-lock.json
	npm --prefix $(UI) ci --no-audit --no-fund --loglevel=error
	touch $@

clean:
	rm -rf $(VENV) .azurite .fnhost build dist $(UI)/node_modules $(dir $(PAGES))
