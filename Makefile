# Two verbs do everything on a fresh machine with Python 3.11+, make and Node 20+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: start test bench clean

start: $(VENV)/installed
	$(BIN)/fnhost start $(ARGS)

test: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m azurite
	$(BIN)/python -m tests.support.packages
	$(BIN)/pytest -n 2 $(ARGS)

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks $(ARGS)

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) .azurite .fnhost build dist
