# Alsolike: `make demo` shows it working, `make test` tests it; both install all they need into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo neural sentences test test-loop test-faults test-api test-canary test-web screenshots test-spark check format lint types imports prose bench bench-ingest bench-serving bench-train bench-quality bench-attribution bench-spark layers web check-web synth lock clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/bootstrap.done: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Alsolike needs Python >= 3.11; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.13"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/run.done: $(VENV)/bootstrap.done requirements/run.txt pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.done: $(VENV)/run.done requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

# torch for SASRec's training. What a package index has for Linux is mostly the build for graphics cards, which needs
# gigabytes of libraries more; the one for processors is taken where pip has it, or else from where torch's makers keep it.
$(VENV)/neural.done: $(VENV)/run.done requirements/neural.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/neural.txt || \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --torch-backend=cpu torch==2.13.0
	@$(BIN)/python -c 'import torch; print("torch", torch.__version__)'
	@touch $@

# For the tests torch is installed where pip has it; elsewhere they skip what needs it and say so.
$(VENV)/neural-at-hand.done: $(VENV)/dev.done requirements/neural.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/neural.txt 2>/dev/null || \
		echo "torch is not at hand: the tests of SASRec's training are skipped (make neural installs it)"
	@touch $@

# What opens the folder of a sentence model, as the training job installs it where it is given one.
$(VENV)/sentences.done: $(VENV)/run.done model_export/sentences.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r model_export/sentences.txt
	@touch $@

# PySpark as Glue has it, and a Java to run it, which is installed where this may be done.
$(VENV)/spark.done: $(VENV)/dev.done requirements/spark.txt
	@java -version 2>&1 | grep -q 'version "17' || \
		{ [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq openjdk-17-jre-headless; } || \
		{ echo "Spark needs Java 17: install openjdk-17-jre-headless (apt-get) or another Java 17"; exit 1; }
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/spark.txt
	@touch $@

# Playwright, and the Chromium of Debian's packages that it drives, which is installed where this may be done.
$(VENV)/web.done: $(VENV)/dev.done requirements/web.txt
	@[ -x /usr/bin/chromium ] || \
		{ [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } || \
		{ echo "the tests of the pages need /usr/bin/chromium: install chromium (apt-get)"; exit 1; }
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/web.txt
	@touch $@

# The CDK's command line; only `synth` and the test of it need it. Node is the one in the virtual environment.
node_modules/aws-cdk/bin/cdk: package-lock.json $(VENV)/run.done
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --ignore-scripts --silent
	@touch $@

# The storefront and the console, built by Vite into build/web.
web/node_modules/.package-lock.json: web/package-lock.json $(VENV)/run.done
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" $(CURDIR)/$(BIN)/npm ci --ignore-scripts --silent
	@touch $@

build/web/index.html: web/node_modules/.package-lock.json $(shell find web -name node_modules -prune -o -type f -print)
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" $(CURDIR)/$(BIN)/npm run build --silent

demo: $(VENV)/run.done  ## events in, model trained, recommendations out, on real data (ARGS=--keep-running)
	$(BIN)/alsolike demo $(ARGS)

neural: $(VENV)/neural.done  ## torch, for SASRec

sentences: $(VENV)/sentences.done  ## model2vec, for comparing new items' titles by a sentence model

test: $(VENV)/neural-at-hand.done node_modules/aws-cdk/bin/cdk  ## units, templates, the embedded cloud, the whole loop once (ARGS="-k name")
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-loop: $(VENV)/dev.done  ## what a shop and an operator do, each on a booted cloud (some minutes)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder tests/integration/loop \
		--ignore=tests/integration/loop/test_whole_loop.py $(ARGS)

test-faults: $(VENV)/dev.done  ## consumers killed at every step, stores that refuse: nothing lost, nothing doubled
	$(BIN)/pytest tests/faults $(ARGS)

test-api: $(VENV)/dev.done  ## requests made of the API's own description, good and bad (ALSOLIKE_API_EXAMPLES=20 for fewer)
	$(BIN)/pytest -s tests/api $(ARGS)

test-canary: $(VENV)/dev.done  ## the embedded cloud: trainings that fail, versions on trial, promoted and taken back (some minutes)
	$(BIN)/pytest tests/canary $(ARGS)

test-web: $(VENV)/web.done build/web/index.html  ## both pages in a real browser, before the embedded cloud: shop, operate, look for barriers
	$(BIN)/pytest tests/web $(ARGS)

screenshots: $(VENV)/web.done build/web/index.html  ## the README's pictures of both pages, of the demo's data
	$(BIN)/python -m tests.web.screenshots $(ARGS)

test-spark: $(VENV)/spark.done node_modules/aws-cdk/bin/cdk  ## both engines make the same dataset, row by row; a Glue job of the embedded cloud
	$(BIN)/pytest tests/spark $(ARGS)

check: lint types imports prose test test-loop  ## the whole gate: format, lint, types, import rules, tests

format: $(VENV)/dev.done  ## write the format and the safe lint fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/dev.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/dev.done
	$(BIN)/mypy

imports: $(VENV)/dev.done
	$(BIN)/lint-imports

prose: $(VENV)/bootstrap.done  ## plain English: violations per folder and rule, which may only fall (ARGS="--list cli", ARGS=--record)
	$(BIN)/python -m tests.prose $(ARGS)

bench: $(VENV)/dev.done  ## ratios against the floor: handlers, cold starts
	$(BIN)/python -m benchmarks $(ARGS)

bench-ingest: $(VENV)/dev.done  ## ratios against the floor: collect, consumers, import; an import's memory
	$(BIN)/python -m benchmarks collect update_profiles archive_events count_trends importing $(ARGS)
	$(BIN)/python -m benchmarks.importing memory

bench-serving: $(VENV)/dev.done  ## ratios and targets of serving, written to docs/performance.md (ARGS="starting gateway")
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.serving $(ARGS)

bench-train: $(VENV)/neural-at-hand.done  ## time and memory of fits as data grows, written to docs/performance.md (ARGS="1M 10M")
	$(BIN)/python -m benchmarks.training $(ARGS)

bench-attribution: $(VENV)/dev.done  ## time and memory of a day of attribution, written to docs/attribution.md (ARGS="1M")
	$(BIN)/python -m benchmarks.attribution $(ARGS)

bench-spark: $(VENV)/spark.done  ## time and memory of datasets and statistics by both engines, written to docs/scale.md (ARGS="5M")
	$(BIN)/python -m benchmarks.spark $(ARGS)
	@[ -n "$(ARGS)" ] || $(BIN)/python -m benchmarks.scale > /dev/null

bench-quality: $(VENV)/neural-at-hand.done  ## quality on public data, written to docs/quality.md (ARGS="beauty --interactions FILE")
	$(BIN)/python -m benchmarks.quality $(ARGS)

layers: $(VENV)/run.done  ## build the Lambda layers, for both processors
	$(BIN)/python -m layers.build all --architecture all

web: build/web/index.html  ## build the pages: storefront and console

check-web: web/node_modules/.package-lock.json  ## types, lint and unit tests of the pages
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" $(CURDIR)/$(BIN)/npm run check --silent
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" $(CURDIR)/$(BIN)/npm test --silent

synth: node_modules/aws-cdk/bin/cdk layers  ## synthesize with the CDK's command line, strictly (ARGS="-c environment=prod")
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/node node_modules/aws-cdk/bin/cdk synth --strict --quiet $(ARGS)

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

# requirements/neural.txt is written by hand from `$(LOCK) --no-deps requirements/neural.in` and the hash of torch's build for processors.
lock: $(VENV)/bootstrap.done  ## resolve the dependencies anew (no registry host is written)
	$(BIN)/$(LOCK) --upgrade pyproject.toml --extra demo -o requirements/run.txt
	$(BIN)/$(LOCK) --upgrade pyproject.toml --extra dev -c requirements/run.txt -o requirements/dev.txt
	$(BIN)/$(LOCK) --upgrade requirements/spark.in -c requirements/run.txt -o requirements/spark.txt
	$(BIN)/$(LOCK) --upgrade requirements/web.in -c requirements/run.txt -o requirements/web.txt
	$(BIN)/$(LOCK) model_export/requirements.in -c requirements/run.txt -o model_export/requirements.txt
	$(BIN)/$(LOCK) model_export/sentences.in -c requirements/dev.txt -o model_export/sentences.txt
	for layer in core onnx_runtime sentences; do $(BIN)/$(LOCK) --no-deps --only-binary :all: layers/$$layer/requirements.in \
		-c requirements/dev.txt -o layers/$$layer/requirements.txt; done
	@echo "After installing them: $(BIN)/python -m layers.descriptions"

clean:  ## remove what the build made, keep .venv
	rm -rf build cdk.out .alsolike node_modules
