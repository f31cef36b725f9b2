# `make demo` and `make test` need Linux, Python 3.10 or newer, make, a C compiler and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST := $(BIN)/python -m pytest

.PHONY: help demo test venv dev lint types unit test-slow results speed documents clean

help:
	@echo "make demo       install into .venv, train on the embedded data, write runs/demo/"
	@echo "make test       install the development extra, run every check CI runs"
	@echo "make venv       only the set-up that both reuse"
	@echo "make test-slow  the long checks (the whole embedded set simulated again)"
	@echo "make documents [DATA=FOLDER] [WRITE=1]  run every command of README and docs (minutes);"
	@echo "                WRITE=1 replaces the outputs that the pages show"
	@echo "make speed [DATA=FOLDER]  time training and scoring beside others (half an hour)"
	@echo "make results DATA=FOLDER  run every protocol and write docs/results.md (hours)"

venv: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "dccad needs Python 3.10 or newer, found " + sys.version.split()[0] + ": make PYTHON=python3.12 venv")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing dccad into $(VENV) (the first time downloads torch; this takes minutes)"
	@$(PIP) -e '.[plots,spreadsheets]'
	@touch $@

dev: $(VENV)/.installed-dev

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(PIP) -e '.[dev]'
	@touch $@

demo: venv
	@$(BIN)/dccad demo --output runs/demo

test: dev lint types unit

lint: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: dev
	$(BIN)/mypy

unit: dev
	$(PYTEST) -m "not slow" --cov --cov-report=term

test-slow: dev
	$(PYTEST) -m slow tests

results: dev
	$(BIN)/python benchmarks/results.py --data $(DATA)

documents: dev
	$(BIN)/python benchmarks/run_documents.py $(if $(DATA),--data $(DATA)) $(if $(WRITE),--write)

speed: dev
	@mkdir -p runs/speed
	$(BIN)/python benchmarks/limits.py --output runs/speed/limits.json
	$(BIN)/python benchmarks/profile_fit.py $(if $(DATA),--data $(DATA)) --output runs/speed/profile.json
	$(BIN)/python benchmarks/speed_training.py $(if $(DATA),--data $(DATA)) --output runs/speed/training.json
	$(BIN)/python benchmarks/epochs.py --output runs/speed/epochs.json
	$(BIN)/python benchmarks/speed_scoring.py --output runs/speed/scoring.json
	$(BIN)/python benchmarks/stream_latency.py --output runs/speed/stream.json

clean:
	rm -rf $(VENV) runs .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
