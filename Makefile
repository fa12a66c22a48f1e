# Every target that a person calls has a comment behind ##; `make help` prints them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= ../shared/data
EFFORT ?= 0.1
INPUTS ?= 150000
HOST   ?= 127.0.0.1
PORT   ?= 8080
ENGINE ?= docker
TAG    ?= 0.1.0
IMAGES ?= detector encoder catalogue copies ranker ingest gateway batch standalone

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format proto lock train eval fuzz bench stack audit sbom images system clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-9s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.serving ## Set up .venv with what serving needs

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("shoplens needs Python 3.11 or newer: make PYTHON=python3.11") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serving: $(VENV)/bin/python requirements/serving.txt pyproject.toml $(shell find protos tools -type f 2>/dev/null)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/serving.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.serving requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@touch $@

$(VENV)/.train: $(VENV)/.dev requirements/train.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/train.txt
	@touch $@

$(VENV)/.eval: $(VENV)/.dev requirements/eval.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/eval.txt
	@touch $@

demo: install ## Serve the demo catalogue of real product photos, and print the page's address
	$(BIN)/shoplens serve --host $(HOST) --port $(PORT) --data build/demo --catalogue demo

stack: $(VENV)/.dev ## Run every service as its own process, over a real Kafka, Redis and Milvus
	$(BIN)/python -m tools.stack --port $(PORT)

test: $(VENV)/$(if $(REQUIRE_ALL),.train,.dev) ## Run every test that this machine can (REQUIRE_ALL=1: nothing may be skipped)
	$(BIN)/python -m pytest

lint: $(VENV)/.dev ## Check style, types and protos
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools.protos check

format: $(VENV)/.dev ## Bring the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: $(VENV)/.dev ## Build the gRPC stubs from protos/
	$(BIN)/python -m tools.protos build

train: $(VENV)/.train ## Make the models from the photos in DATA (EFFORT=1: the whole training, for a graphics card)
	$(BIN)/python -m training.encoder --data $(DATA) --effort $(EFFORT)
	$(BIN)/python -m training.detector --data $(DATA) --effort $(EFFORT)
	$(BIN)/python -m training.copies --data $(DATA)
	$(BIN)/python -m training.quantize encoder --data $(DATA)
	$(BIN)/python -m training.quantize detector --data $(DATA)
	$(BIN)/python -m training.attributes --data $(DATA)

eval: $(VENV)/.eval ## Measure quality on the photos in DATA; writes build/eval.json
	$(BIN)/python -m benchmarks.quality --data $(DATA)

fuzz: $(VENV)/.dev ## Send a million mutated inputs to everything that reads what strangers send (INPUTS=150000 a target)
	$(BIN)/python -m tests.fuzz --inputs $(INPUTS)

bench: $(VENV)/.dev ## Measure speed against the machine's limits; writes build/bench.json
	$(BIN)/python -m benchmarks.speed

audit: $(VENV)/.dev ## Ask the package index which known faults the serving packages have (needs its JSON API)
	$(BIN)/pip-audit --requirement requirements/serving.txt --require-hashes --disable-pip --strict

sbom: $(VENV)/.dev ## Write the bill of materials (CycloneDX) of what serves to build/sbom.cdx.json
	@mkdir -p build
	$(BIN)/cyclonedx-py requirements requirements/serving.txt --pyproject pyproject.toml --output-file build/sbom.cdx.json

images: ## Build an image a service, with the container engine of this machine (ENGINE=podman for another than docker)
	for target in $(IMAGES); do $(ENGINE) build --target $$target --tag shoplens/$$target:$(TAG) . || exit 1; done

system: ## Install the system packages that the tests use (Debian, as root)
	apt-get update --quiet --quiet
	xargs --arg-file requirements/apt.txt env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends

lock: $(VENV)/.dev ## Pin every dependency again, with hashes
	$(BIN)/python -m tools.lock

clean: ## Remove what was built; the environment stays
	rm -rf build shared/shoplens/api .mypy_cache .ruff_cache .pytest_cache .hypothesis
