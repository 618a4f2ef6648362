# `make help` lists what there is. Everything Python runs in .venv, made from hashed requirements.
PYTHON ?= python3
BIN := .venv/bin
# A shell of cron or in a container may have no home, and Go, Helm and kubectl keep what they need in one.
export HOME := $(or $(HOME),$(shell getent passwd "$$(id -u)" | cut -d: -f6))
export PYTHONPATH := tests/cluster:tests/support
# Compiled modules are kept, whatever the shell says: without them collecting the unit tests costs twice as much.
unexport PYTHONDONTWRITEBYTECODE
CLUSTER := $(BIN)/python -m ibgateway_cluster
STAGE := $(BIN)/python -m ibgateway_stage
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help check lint unit site coverage hooks figures format test packages test-wiring test-apiserver test-chart test-e2e \
        test-stories test-faults cluster images example-image demo shell env bench down crds pages charts chart-tools chart-packages openapi pictures recordings release lock clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.venv/ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed: install one and run make PYTHON=python3.13")'
	@echo "Python's packages go into .venv: a minute or two, once" >&2
	@$(PYTHON) -m venv .venv || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

check: lint unit site ## what each commit runs: lint, unit, site

lint: .venv/ready ## format, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Two plugins that no unit test uses take each process half a second.
unit: .venv/ready ## the unit tests, on all processors
	@$(BIN)/python -m pytest -q -p no:schemathesis -p no:kmock -n logical --maxprocesses 8 --dist worksteal tests/unit

site: .venv/ready ## these pages as a site in build/site; a link that leads nowhere fails it
	@$(BIN)/python tests/support/ibgateway_site/build.py

coverage: .venv/ready ## the unit tests one after the other, and what they cover
	@$(BIN)/coverage run -m pytest -q tests/unit
	@$(BIN)/python tests/support/ibgateway_house/coverage_report.py

hooks: .venv/ready ## run the checks at each git commit; needed once a clone
	@$(BIN)/pre-commit install

figures: .venv/ready ## functions' lengths, circles of imports, class names used twice
	@$(BIN)/python -m ibgateway_house.figures

format: .venv/ready ## rewrite the sources in the house's format
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

test: lint coverage site test-wiring test-apiserver test-chart test-e2e ## everything, from unit tests to the story on a real cluster

packages: .venv/ready
	@bash tests/install-debian.sh

test-wiring: .venv/ready packages ## programs and client libraries together, on loopback
	@$(PYTEST) -q -n logical --maxprocesses 4 --dist loadfile tests/wiring

test-apiserver: cluster ## the resource against a real API server
	@$(PYTEST) -q tests/apiserver

test-chart: cluster packages chart-tools ## the charts, rendered, judged and applied
	@$(PYTEST) -q tests/chart

test-e2e: packages images ## the story on the real cluster
	@$(PYTEST) -q tests/e2e

test-stories: packages images ## the stories of logins and a rebalance on the real cluster, beside each other: a quarter of an hour; run by hand
	@$(PYTEST) -q -n 3 --dist loadfile tests/stories

test-faults: cluster packages ## kills clusters of its own, drains their nodes, walks the week at random; run by hand
	@$(PYTEST) -q tests/faults

cluster: .venv/ready ## a kind cluster, with or without a Docker engine
	@$(CLUSTER) up

images: cluster ## build the four images and load them into the cluster
	@$(STAGE) images

example-image: cluster ## build the image of examples/, load it into the cluster and print its name; needs cargo
	@$(STAGE) examples

demo: images ## a Ready paper gateway on the simulator, and an order that fills
	@$(STAGE) demo

shell: .venv/ready ## a shell with the cluster's kubectl and helm, kubectl ibgateway, and the demo's namespace at hand
	@$(STAGE) shell

env: .venv/ready ## for your shell, bash or zsh: eval "$(make -s env)" finds the cluster's kubectl and helm
	@$(CLUSTER) env

BENCH = "operator_scale.py --gateways 50 --gateways 200 --gateways 500 --gateways 1000" executor_intake.py executor_sending.py \
        rebalance.py gate_latency.py push_to_message.py console_picture.py footprint.py login_latency.py
bench: cluster packages ## every figure of docs/performance.md beside its limit: hours on two cores, as root; run by hand
	@missed=; for part in $(BENCH); do echo "$$part"; $(BIN)/python tests/bench/$$part --save || missed="$$missed $${part%% *}"; done; \
	$(BIN)/python -m bench_page; test -z "$$missed" || { echo "a limit was missed, or the part failed:$$missed"; exit 1; }

down: .venv/ready ## remove the cluster and everything it started
	@$(CLUSTER) down

crds: .venv/ready ## write crds/ and what charts and pages repeat of it from api/
	@$(BIN)/python -m ibgateway_operator.crds > crds/ibgateway.dev_ibgateways.yaml
	@$(BIN)/python -m ibgateway_charts.generated
	@$(BIN)/python -m ibgateway_site.pages

pages: .venv/ready ## write what docs/ has from the code: the reference, the login states
	@$(BIN)/python -m ibgateway_site.pages

charts: cluster chart-tools ## write the charts' READMEs, the kustomize base and the OLM bundle from the charts
	@$(BIN)/python -m ibgateway_charts.derived

chart-tools: .venv/ready # Helm 3, helm-unittest, kubeconform, kube-score, helm-docs, krew and checkov; kept beside the cluster's programs
	@$(BIN)/python -m ibgateway_charts.tools

chart-packages: cluster ## pack the charts into dist/: one commit, one package, byte for byte
	@$(BIN)/python -m ibgateway_charts.packaging dist

openapi: .venv/ready ## write docs/openapi.json from the executor's routes
	@$(BIN)/python -m ibgateway_executor.intake.written_openapi > docs/openapi.json

pictures: .venv/ready ## draw docs/images: what the plugin prints, the console in a browser, the dashboard, the moving picture
	@$(BIN)/python -m plugin_pictures
	@$(BIN)/python -m console_world
	@$(BIN)/python -m dashboard_picture
	@$(BIN)/python -m moving_picture

recordings: cluster packages ## record anew what the dashboard's and the moving picture are drawn from: a quarter of an hour on the cluster
	@sh tests/install-debian.sh prometheus
	@$(BIN)/python -m moving_picture.record
	@$(BIN)/python -m dashboard_picture.record

release: cluster ## wheel, charts, images, bills of material and digests of this commit into dist/
	@$(BIN)/python -m ibgateway_release

lock: .venv/ready ## write requirements/*.txt from pyproject.toml
	@requirements/lock.sh

clean: ## remove what make made in this folder
	@rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
