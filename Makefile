# Alsolike: `make demo` shows it working, `make test` tests it; both install all they need into .venv.
# ARGS goes to the command behind a target, WHAT names parts of a target: make slow WHAT=canary ARGS="-k promoted"
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
WHAT ?=
WITH ?=
DIST ?= dist

.DEFAULT_GOAL := help
.PHONY: help setup demo test cloud check slow web docs bench synth dist format lock prose mutants clean
.PHONY: .check-lint .check-types .check-imports .check-prose .check-test .web-build .web-check .web-test .docs-api .docs-site .docs-images .synth-layers .synth-app FORCE

help:  ## show this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {sub(/\$$\(SUITES\)/, "$(SUITES)", $$2); printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/dev.done $(WITH:%=$(VENV)/with-%.done)  ## install the development environment (WITH="neural spark web php prometheus deploy bench")

demo: $(VENV)/demo.done $(VENV)/compiled.done  ## real data in, a model trained, recommendations out (ARGS=--exit: end after the results)
	$(BIN)/alsolike demo $(ARGS)

test: $(VENV)/dev.done node_modules/aws-cdk/bin/cdk  ## unit tests, templates (ARGS="-k profile": without the embedded cloud's)
	$(PYTEST) $(ARGS)
	$(if $(ARGS),,$(PYTEST) local_cloud/tests/unit)

cloud: $(VENV)/dev.done  ## all tests of the embedded cloud, a package of its own (ARGS="-k journal")
	cd local_cloud && $(abspath $(BIN))/pytest -n 2 --dist loadgroup $(ARGS)

CHECKS := lint types imports prose test
check: $(if $(WHAT),$(WHAT:%=.check-%),$(CHECKS:%=.check-%))  ## format, lint, types, import rules, prose, tests (WHAT="lint types")

STORE_TESTS := $(addprefix tests/unit/alsolike/,catalogue privacy profiles registry runtime snapshot) $(addprefix tests/unit/functions/,personalize purge_user)
SUITES := system cloud stores demo faults memory benchmarks api canary kafka prometheus spark cli clients functions layers model_export infra deploy statistics hardening failover
SLOW := $(or $(WHAT),$(SUITES))
slow: $(VENV)/dev.done $(if $(filter spark ci,$(SLOW)),$(VENV)/with-spark.done) $(if $(filter deploy ci,$(SLOW)),$(VENV)/with-deploy.done) $(if $(filter spark deploy ci,$(SLOW)),node_modules/aws-cdk/bin/cdk) $(if $(filter prometheus,$(SLOW)),$(VENV)/with-prometheus.done)  ## booted clouds and slow tests (WHAT="$(SUITES)", WHAT=ci: a part of each)
	@failed=; for suite in $(SLOW); do stores=; \
		case $$suite in \
			system) tests="-n 2 --dist loadscope tests/system" ;; \
			cloud) tests="-n 2 --dist loadgroup local_cloud/tests" ;; \
			ci) tests="-n 2 --dist loadfile -m ci tests/slow" ;; \
			stores) tests="-n 2 $(STORE_TESTS)" stores=moto ;; \
			*) tests=tests/slow/$$suite ;; \
		esac; \
		echo "== $$suite"; STORES=$$stores $(BIN)/pytest $$tests $(ARGS) || failed="$$failed $$suite"; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

web: $(if $(WHAT),$(WHAT:%=.web-%),.web-build .web-check .web-test)  ## build, check and test the pages (WHAT="build check test")

docs: $(if $(WHAT),$(WHAT:%=.docs-%),.docs-api .docs-site)  ## build the documentation's site strictly, write generated documents (WHAT="api site images")

bench: $(VENV)/dev.done $(if $(filter spark,$(WHAT)),$(VENV)/with-spark.done)  ## measure (WHAT=serving, training, networks, quality, actions, reranking, segments, fatigue, forecasting, attribution, cold_texts, stacking, frozen_defaults, spark, scale, first_hour)
	$(if $(filter serving,$(WHAT)),OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 )$(BIN)/python -m benchmarks$(WHAT:%=.%) $(ARGS)

synth: $(if $(WHAT),$(WHAT:%=.synth-%),.synth-app)  ## build layers, synthesize strictly (ARGS="-c environment=prod", WHAT=layers)

dist: $(VENV)/demo.done web/node_modules/.package-lock.json  ## build the wheel and its bills of materials in CycloneDX (DIST=dist)
	rm -rf $(DIST)
	$(INSTALL) --group release
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir $(DIST)
	$(LOCK) pyproject.toml --all-extras --overrides requirements/torch.in -c requirements.lock -o build/dependencies.txt
	$(BIN)/cyclonedx-py requirements build/dependencies.txt --pyproject pyproject.toml --output-reproducible --of JSON -o $(DIST)/alsolike.cdx.json
	cd web && $(NODE) $(CURDIR)/$(BIN)/npm sbom --sbom-format cyclonedx > $(abspath $(DIST))/alsolike-pages.cdx.json

format: $(VENV)/dev.done  ## write the format and the safe lint fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

prose: $(VENV)/demo.done  ## plain English: print the texts that break a rule (ARGS=docs: below a path)
	$(BIN)/python -m tests.prose $(ARGS)

mutants: $(VENV)/dev.done  ## a sample of mutants of gate, canary, filters, slate and profiles: tests kill 95% (ARGS="--seed 2 --only gate")
	$(BIN)/python -m tests.mutants $(ARGS)

clean:  ## remove what the build made, keep .venv
	rm -rf build cdk.out .alsolike node_modules web/node_modules

# --- the environment -------------------------------------------------------------------------------------------------

# A virtual environment has its folder in its scripts: copied together with a clone it runs the other clone's code.
FOREIGN := $(shell [ ! -d $(VENV) ] || grep -qs ' $(CURDIR)/$(VENV)$$' $(VENV)/pyvenv.cfg || echo yes)
ifdef FOREIGN
$(VENV)/uv.done: FORCE
endif

# pip installs uv, and uv everything else: the versions of requirements.lock, each of whose files has one of its hashes.
$(VENV)/uv.done: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Alsolike needs Python >= 3.11; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.13"; exit 1; }
	$(if $(FOREIGN),@echo "$(VENV) was made for another folder: it is built again")
	$(PYTHON) -m venv $(if $(FOREIGN),--clear) $(VENV)
	@awk '/^[a-z]/ {uv = /^uv==/} uv' requirements.lock > $(VENV)/uv.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@touch $@

INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -c requirements.lock -r pyproject.toml

$(VENV)/demo.done: $(VENV)/uv.done requirements.lock pyproject.toml
	$(INSTALL) --extra demo --group build
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

# Bytecode halves the time that commands and tests need to start. The CDK has too much code: only what is imported is compiled.
export PYTHONDONTWRITEBYTECODE :=
$(VENV)/compiled.done: requirements.lock | $(VENV)/demo.done
	@$(BIN)/python -m compileall -qq -j 2 -x '/(aws_cdk|torch|torchgen|sympy|networkx)/|/tests?/' \
		$(VENV)/lib layers functions infra_cdk model_export local_cloud/src operations cli; $(BIN)/python -c 'import infra_cdk.app'
	@touch $@

# The tests of SASRec's training need torch. They are skipped, and say so, where it cannot be installed at once.
$(VENV)/dev.done: $(VENV)/demo.done $(VENV)/compiled.done
	$(INSTALL) --extra demo --extra sentences --group dev
	@$(TORCH) 2>/dev/null || echo "torch is not at hand: the tests of SASRec's training are skipped (make setup WITH=neural installs it)"
	@touch $@

# On Linux the lock has torch's build for processors, which pip's `find-links` may have, or else torch's own index.
TORCH = UV_FIND_LINKS="$$($(BIN)/pip config get global.find-links 2>/dev/null || echo $(PIP_FIND_LINKS))" $(INSTALL) --extra neural
$(VENV)/with-neural.done: $(VENV)/demo.done
	@awk '/^[a-z]/ {needed = /^(filelock|fsspec|jinja2|markupsafe|mpmath|networkx|setuptools|sympy|typing-extensions)==/} needed' \
		requirements.lock | cat - requirements/torch.txt > $(VENV)/torch.txt
	$(TORCH) || $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --torch-backend=cpu -r $(VENV)/torch.txt
	@$(BIN)/python -c 'import torch; print("torch", torch.__version__)'
	@touch $@

# $(call debian,PACKAGE,REASON): root gets the package installed, one at a time, and others an error.
debian = { [ "$$(id -u)" = 0 ] && flock $(VENV)/uv.done sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends $(1)'; } || \
	{ echo "$(2): install $(1) (apt-get)"; exit 1; }

# PySpark as Glue has it, and a Java to run it.
$(VENV)/with-spark.done: $(VENV)/demo.done
	@java -version 2>&1 | grep -q 'version "17' || $(call debian,openjdk-17-jre-headless,Spark needs Java 17)
	$(INSTALL) --extra spark
	@touch $@

# Playwright, and the Chromium of Debian's packages that it drives.
$(VENV)/with-web.done: $(VENV)/demo.done
	@[ -x /usr/bin/chromium ] || $(call debian,chromium,the tests of the pages need /usr/bin/chromium)
	$(INSTALL) --group web
	@touch $@

# Prometheus and promtool, Debian's.
$(VENV)/with-prometheus.done: $(VENV)/demo.done
	@command -v promtool prometheus > /dev/null || $(call debian,prometheus,the tests of metrics need Prometheus)
	@touch $@

# PHP, which runs the snippets of the WooCommerce guide.
$(VENV)/with-php.done: $(VENV)/demo.done
	@command -v php > /dev/null || $(call debian,php-cli,the test of the WooCommerce guide needs PHP)
	@touch $@

# ministack in a folder of its own, because it pins another botocore.
$(VENV)/with-deploy.done: requirements/deploy.txt | $(VENV)/uv.done
	rm -rf $(VENV)/ministack
	$(BIN)/uv pip install --quiet --python $(BIN)/python --target $(VENV)/ministack --require-hashes -r requirements/deploy.txt
	@touch $@

# The libraries that serving and quality are compared with.
$(VENV)/with-bench.done: $(VENV)/dev.done
	$(INSTALL) --group bench
	@touch $@

# --- the parts of targets --------------------------------------------------------------------------------------------

PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
NODE := PATH="$(CURDIR)/$(BIN):$$PATH"

.check-lint: $(VENV)/dev.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml

.check-types: $(VENV)/dev.done
	$(BIN)/mypy

.check-imports: $(VENV)/dev.done
	$(BIN)/lint-imports

.check-prose: prose

.check-test: test

# The CDK's command line; `synth` and the test of it need it. Node is the one in the virtual environment.
node_modules/aws-cdk/bin/cdk: package-lock.json $(VENV)/demo.done
	$(NODE) $(BIN)/npm ci --ignore-scripts --silent
	@touch $@

.synth-layers: $(VENV)/demo.done
	$(BIN)/python -m layers.build all --architecture all

.synth-app: node_modules/aws-cdk/bin/cdk .synth-layers
	$(NODE) $(BIN)/node node_modules/aws-cdk/bin/cdk synth --strict --quiet $(ARGS)

# The storefront and the console, built by Vite into build/web.
web/node_modules/.package-lock.json: web/package-lock.json $(VENV)/demo.done
	cd web && $(NODE) $(CURDIR)/$(BIN)/npm ci --ignore-scripts --silent
	@touch $@

build/web/index.html: web/node_modules/.package-lock.json docs/openapi.json $(wildcard docs/runbooks/*.md) $(shell find web -name node_modules -prune -o -type f -print)
	cd web && $(NODE) $(CURDIR)/$(BIN)/npm run build --silent

.web-build: build/web/index.html

.web-check: web/node_modules/.package-lock.json
	cd web && $(NODE) $(CURDIR)/$(BIN)/npm run check --silent
	cd web && $(NODE) $(CURDIR)/$(BIN)/npm test --silent

.web-test: $(VENV)/dev.done $(VENV)/with-web.done build/web/index.html
	$(BIN)/pytest tests/web $(ARGS)

# The site serves its own scripts of diagrams and of search in files, from npm's packages with these hashes.
define SITE_SCRIPTS
e35d774dd5de2c0b0caee27bf4ea452f93bcf8b4c55e142a676eb4ac5ded8149a2340b519b852e99ed3823eeb93d137ac99ebd2787fcad56165bccd193ae5463  build/mermaid-12.3.0.tgz
ae879a688f8b8352c935f8290a3a117bff96cc48f2f7e674f0ba04beef393023db063c26faa5f3f00839534e651dae95d42cac6721b313448e900b52500e6aed  build/iframe-worker-1.0.4.tgz
endef
export SITE_SCRIPTS
docs/assets/done: $(VENV)/demo.done
	@mkdir -p build $(@D)
	$(NODE) $(BIN)/npm pack --silent --pack-destination build mermaid@12.3.0 iframe-worker@1.0.4 > /dev/null
	@echo "$$SITE_SCRIPTS" | sha512sum --check --quiet
	tar xzOf build/mermaid-12.3.0.tgz package/dist/mermaid.min.js > $(@D)/mermaid.min.js
	tar xzOf build/iframe-worker-1.0.4.tgz package/shim/index.js > $(@D)/iframe-worker.js
	@touch $@

$(VENV)/docs.done: $(VENV)/demo.done
	$(INSTALL) --group docs
	@touch $@

.docs-site: $(VENV)/docs.done docs/assets/done
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

.docs-api: $(VENV)/dev.done
	$(BIN)/alsolike openapi > docs/openapi.json
	$(BIN)/python -m docs.hooks.records

.docs-images: $(VENV)/dev.done $(VENV)/with-web.done build/web/index.html
	$(BIN)/python -m tests.web.pictures $(ARGS)

# --- the locks -------------------------------------------------------------------------------------------------------

# Versions are kept where they can be; ARGS=--upgrade takes new ones. No registry host is written.
LOCK = UV_FIND_LINKS="$$($(BIN)/pip config get global.find-links 2>/dev/null || echo $(PIP_FIND_LINKS))" \
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
GROUPS := dev build release web bench docs

lock: $(VENV)/uv.done  ## resolve the dependencies (ARGS=--upgrade)
	$(LOCK) $(ARGS) pyproject.toml --all-extras $(GROUPS:%=--group %) --overrides requirements/torch.in -o requirements.lock
	$(LOCK) $(ARGS) --group deploy -o requirements/deploy.txt
	$(LOCK) model_export/requirements.in -c requirements.lock -o model_export/requirements.txt
	$(LOCK) model_export/sentences.in -c requirements.lock -o model_export/sentences.txt
	for layer in core onnx_runtime sentences image; do $(LOCK) --no-deps --only-binary :all: layers/$$layer/requirements.in \
		-c requirements.lock -o layers/$$layer/requirements.txt; done
	@echo "After make setup: $(BIN)/python -m layers.notice"
