# Two verbs do everything on a fresh machine with Python 3.11+, make and Node 20+: `make start` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --editable

.PHONY: start test bench fmt lint types unit docs protos coverage clean

start: $(VENV)/runtime
	$(BIN)/fnhost start $(ARGS)

test: lint types $(VENV)/installed
	$(BIN)/python -m fnhost.azurite
	$(BIN)/python -m tests.support.npm
	$(BIN)/pytest -n 2 $(ARGS)

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks $(ARGS)

# Parts of `make test`, and what else contributors use: see CONTRIBUTING.md.

fmt: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

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
	build/protos/bin/python -m grpc_tools.protoc -I fnhost/host/rpc=host/rpc --python_out=. --pyi_out=. host/rpc/durabletask.proto

coverage: $(VENV)/installed
	$(BIN)/python -m fnhost.azurite
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

clean:
	rm -rf $(VENV) .azurite .fnhost build dist
