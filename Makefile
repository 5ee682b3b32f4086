# Two commands do everything: `make demo` and `make test`. All install what they need into .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo demo-collect test test-fast coverage check format bench ui constraints clean

help: ## List what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Make .venv with everything in it

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "likerank needs Python 3.11 to 3.13; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -c constraints.txt -e '.[embedded,heic,joblib,optuna,ray,submitit,fake-instagram,dev]'
	@touch $@

demo-collect: $(INSTALLED) ## The collector on synthetic accounts, night after night, without Instagram
	$(BIN)/python scripts/demo_collect.py

demo: $(INSTALLED) ## The main job on a drawn corpus: ingest, snapshot, two trainings, one table
	$(BIN)/python scripts/demo.py

# Three workers on two cores, since tests also wait for processes; a group of tests that share a training stays on one.
PYTEST := $(BIN)/pytest -n 3 --dist loadgroup

test-fast: $(INSTALLED) ## Tests for every edit, in under three minutes: no training, no process, no MLflow
	$(PYTEST) -m 'not slow' --hypothesis-profile=fast

test: $(INSTALLED) ## All tests, in under ten minutes
	$(PYTEST)

coverage: $(INSTALLED) ## All tests, and the lines that none of them reaches
	$(PYTEST) --cov --cov-report=term

check: $(INSTALLED) ## Style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED) ## Put the code into ruff's form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED) ## Speed, as ratios in one run; only=[million] takes half an hour more
	$(BIN)/python scripts/benchmark.py

ui: $(INSTALLED) ## MLflow's pages on the runs so far
	$(BIN)/likerank ui

constraints: $(INSTALLED) ## Pin what is installed now
	$(BIN)/pip freeze --exclude-editable | grep -v '@ file' > constraints.txt

clean: ## Remove what the demo and the runs left (data/, mlruns/), and caches; .venv stays
	rm -rf data .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* outputs multirun
	find mlruns -mindepth 1 ! -name README.md -delete
