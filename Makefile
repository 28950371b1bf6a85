# A convenience over plain pip lines (CONTRIBUTING.md has them): Python 3.11 to 3.13 and make are enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ROOMS  := $(patsubst %/__init__.py,%,$(wildcard forensics/__init__.py detectors/__init__.py generator/__init__.py reports/__init__.py app/__init__.py))
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: help demo test lint types imports pytest wheel smoke clean

help:
	@echo "make demo    install the light package into $(VENV) and examine a photograph and a generated face"
	@echo "make test    install everything, then: lint, types, import rules, tests"
	@echo "make wheel   build dist/*.whl;  make smoke: try it in an empty environment"
	@echo "make lint | types | imports | pytest    one part of make test"
	@echo "make clean   remove what the targets made, $(VENV) too"

demo: $(VENV)/.demo
	@mkdir -p .work
	$(BIN)/python benchmarks/demo_picture.py .work/astronaut.jpg
	$(BIN)/detect .work/astronaut.jpg
	$(BIN)/whichface generate --network faces-32 --seeds 4 --least-side 256 --quiet -o .work/drawn
	$(BIN)/detect .work/drawn/seed0004.png

test: lint types imports pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .

types: $(VENV)/.test
	@mkdir -p .links/whichface
	@for room in $(ROOMS); do ln -sfn ../../$$room .links/whichface/$$room; done
	$(BIN)/mypy $(foreach room,$(ROOMS),-p whichface.$(room))

imports: $(VENV)/.test
	$(BIN)/lint-imports --no-cache

pytest: $(VENV)/.test
	$(BIN)/python -m pytest

wheel: $(VENV)/.test
	rm -rf build dist
	$(BIN)/python -m build --wheel

# Outside the repository, so that nothing but the wheel can be imported.
smoke: wheel
	@mkdir -p .work
	$(BIN)/python benchmarks/demo_picture.py .work/astronaut.jpg
	rm -rf .work/empty && $(PYTHON) -m venv .work/empty
	.work/empty/bin/python -m pip --disable-pip-version-check install --quiet dist/*.whl
	.work/empty/bin/python -I tests/smoke_wheel.py .work/astronaut.jpg

clean:
	rm -rf $(VENV) .links .work/empty build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] < (3, 14) else "whichface needs Python 3.11 to 3.13: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[demo]"
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[dev,train,heic,c2pa,parquet]"
	@touch $@
