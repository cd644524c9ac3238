# Each target does its own set-up: a machine needs Python 3.11+, make and git, nothing else.
.PHONY: setup demo dev test bench faults fuzz sbom audit keys lint check lock docs pictures format
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/python -m uv

setup: .venv/ready

# The lock pins every package by hash and names no registry, so that any mirror serves it.
.venv/ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch .venv/ready

demo: setup
	$(BIN)/returns-pipeline demo

dev: setup
	$(BIN)/returns-pipeline dev

test: setup
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadgroup

# Thousands of random fault sequences against the whole writer; prints what was injected and what broke as JSON.
faults: setup
	$(BIN)/python -m returns_pipeline_tests.faults.campaign

# Ten minutes of broken answers, lists and settings; ends with 1 and the smallest input at the first that is neither read nor refused.
fuzz: setup
	$(BIN)/python -m returns_pipeline_tests.fuzzing

bench: setup
	$(BIN)/python -m returns_pipeline_tests.benchmarks

# The software bill of materials of all that the lock file pins, the tools of developers included; read from the file alone.
sbom: setup
	mkdir -p build
	$(BIN)/cyclonedx-py requirements --output-reproducible --of JSON -o build/sbom.json requirements.lock

# Known holes in what the lock file pins, and keys in any line that was ever committed. Ends with 2 where the advisories cannot be read.
audit: setup
	$(BIN)/python -m returns_pipeline_tests.supply_chain history
	$(BIN)/python -m returns_pipeline_tests.supply_chain holes

# Keys and tokens in the files as they are.
keys: setup
	$(BIN)/python -m returns_pipeline_tests.supply_chain keys

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy returns_pipeline

check: lint keys test

docs: setup
	$(BIN)/python docs/generate.py

# Needs `make dev` in another terminal.
pictures: setup
	$(BIN)/python docs/pictures.py

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The image gets what runs and nothing that tests; each package in the version that the tests use.
lock:
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--extra dev --extra image pyproject.toml --output-file requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--extra image --constraint requirements.lock pyproject.toml --output-file deploy/requirements.lock
