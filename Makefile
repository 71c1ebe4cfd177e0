# The one entry to this project. Every target sets up `.venv` first if it has to.
#
#   PYTHON      the Python that `.venv` is made with, 3.11 or newer; it counts when there is none yet
#   ARGS        more arguments for `make demo` and the tests
#   FILES       test files for test, test-asterisk and test-cluster, instead of all of theirs
#   PUSH        registry and prefix to which `make images` pushes, as in registry.example.com/team
#   KUBECONFIG  the cluster for `make test-cluster`; without it one is brought up

PYTHON ?= python3
BIN := .venv/bin
SET_UP := .venv/set-up
NAMED := $(if $(filter command,$(origin KUBECONFIG)),--kubeconfig $(KUBECONFIG))
NAMED_CLUSTER := $(if $(filter command,$(origin KUBECONFIG)),INTERJECT_TEST_CLUSTER=1 )

ORDINARY := not slow and not asterisk and not cluster and not chart and not voices
# Every test in them has one of those marks: no worker has to import them to leave them out.
MARKED := asterisk chart cluster dashboards voices

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-asterisk test-asterisk-core test-chart test-voices eval test-cluster \
	test-cluster-core demo-cluster demo-cluster-down images lint types contracts check constraints chart-docs chart-version \
	dashboards pictures clean

help: ## what can be made
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile

demo: $(SET_UP) ## one call, three ways to listen: a table and a report
	@$(BIN)/interject demo $(ARGS)

# Whole processes in real time come last and alone. Exit code 5 says that ARGS chose no test of a half.
test: $(SET_UP) ## the tests, but for the long ones
	$(BIN)/pytest --numprocesses=auto --dist=loadfile -m "$(ORDINARY)" \
		$(or $(FILES),$(addprefix --ignore=tests/,e2e $(MARKED))) $(ARGS) || [ $$? -eq 5 ]
	$(if $(FILES),,$(BIN)/pytest -m "$(ORDINARY)" tests/e2e $(ARGS) || [ $$? -eq 5 ])

test-long: $(SET_UP) ## the long tests alone
	$(BIN)/pytest -m slow $(ARGS)

test-asterisk: $(SET_UP) ## calls through a real Asterisk 22, which is fetched first; a quarter of an hour
	$(BIN)/pytest -m asterisk $(or $(FILES),tests/asterisk) $(ARGS)

test-asterisk-core: $(SET_UP) ## those of them that every change runs; four minutes
	$(BIN)/pytest -m "asterisk and core" $(or $(FILES),tests/asterisk) $(ARGS)

test-chart: $(SET_UP) ## the chart, its dashboards and alerts, without a cluster; a minute
	$(BIN)/pytest -m chart tests/chart tests/dashboards $(ARGS)

test-voices: $(SET_UP) ## real speech models and servers, which are fetched first; a minute
	$(BIN)/pytest -m voices $(or $(FILES),tests/voices) $(ARGS)

eval: $(SET_UP) ## scripted conversations with the examples, judged: a table and a report; a minute
	@mkdir -p out
	@$(BIN)/interject eval examples/scenarios/*.yaml --stt scripted --tts espeak \
		--report out/eval.html $(ARGS)

demo-cluster: $(SET_UP) ## the whole product on a Kubernetes: KUBECONFIG=FILE, or one brought up here
	@PYTHONPATH=scripts $(BIN)/python -m demo_cluster up $(NAMED) $(if $(ENGINE),--engine $(ENGINE)) $(ARGS)

demo-cluster-down: $(SET_UP) ## takes away what demo-cluster made
	@PYTHONPATH=scripts $(BIN)/python -m demo_cluster down $(NAMED)

# The cluster has to be given on the command line: KUBECONFIG in the environment is ignored.
test-cluster: $(SET_UP) ## the operator on a real Kubernetes, which is built first, or KUBECONFIG=FILE
	$(NAMED_CLUSTER)$(BIN)/pytest -m cluster $(or $(FILES),tests/cluster) $(ARGS)

test-cluster-core: $(SET_UP) ## those of them that every change runs; eight minutes once all is built
	$(NAMED_CLUSTER)$(BIN)/pytest -m "cluster and core" $(or $(FILES),tests/cluster) $(ARGS)

images: $(SET_UP) ## the three images, by ENGINE=docker, podman or buildah, for KUBECONFIG=FILE or PUSH=REGISTRY/PREFIX
	@$(BIN)/python scripts/make_images.py $(if $(ENGINE),--engine $(ENGINE)) \
		$(if $(PUSH),--push $(PUSH),$(NAMED)) $(ARGS)

lint: $(SET_UP) ## style, with ruff
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(SET_UP) ## types, with mypy
	$(BIN)/mypy

contracts: $(SET_UP) ## who may import whom, with import-linter
	$(BIN)/lint-imports

check: lint types contracts test test-chart test-long test-voices test-asterisk test-cluster ## everything that a change has to pass

dashboards: $(SET_UP) ## write the chart's dashboards and alerts, and their docs, from Python
	PYTHONPATH=scripts $(BIN)/python -m observability

pictures: $(SET_UP) ## draw what the dashboards show of a real run; a minute on a quiet machine
	$(BIN)/pytest -m chart tests/dashboards/test_dashboards.py --pictures $(ARGS)

constraints: $(SET_UP) ## write constraints.txt from what .venv has
	$(BIN)/python scripts/constraints.py > constraints.new
	mv constraints.new constraints.txt

chart-docs: $(SET_UP) ## write the schema and the tables of the chart's values from their comments
	$(BIN)/python scripts/chart/values_doc.py

chart-version: $(SET_UP) ## the version in Chart.yaml is given away: from now on the chart changes with it
	$(BIN)/python scripts/chart/chart_version.py --record

clean: ## remove .venv, caches and reports
	rm -f media_pod/duplex/vad/silero_vad.*
	rm -rf .venv out build *.egg-info .hypothesis .pytest_cache .mypy_cache .ruff_cache \
		.import_linter_cache

$(SET_UP): pyproject.toml constraints.txt scripts/setup.py
	@command -v $(PYTHON) > /dev/null || { echo "set-up: no $(PYTHON) here; install Python 3.11 or" \
		"newer (Debian, Ubuntu: sudo apt install python3 python3-venv python3-dev)" >&2; exit 2; }
	@$(PYTHON) scripts/setup.py
