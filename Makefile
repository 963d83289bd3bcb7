# The verbs of the project. Needed on the machine: Python >= 3.11 (with venv), make, git. Nothing else.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
LAKE   ?= ./lake
PERIOD ?= 7d
REPORT ?= report.html
TESTS  ?= tests
UV     := uv==0.13.9

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench soak serve report clean lock

help: ## say what the verbs are
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv from requirements.lock (done by the other verbs when it is missing or older)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("runlake needs Python 3.11 or newer, %s is %d.%d; try: make PYTHON=python3.12 setup" % (sys.executable, *sys.version_info[:2]) if sys.version_info < (3, 11) else 0)'
	@echo "setup: installing requirements.lock into $(VENV) (once, about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## load the bundled sample into ./demo-lake, show the statistics, write the report
	@$(BIN)/runlake demo

test: $(STAMP) ## run the tests (TESTS=tests/api for a part)
	@$(BIN)/python -m pytest -q -n auto --dist worksteal --ignore tests/soak $(TESTS)

check: $(STAMP) ## ruff, format, mypy --strict, import contracts
	@echo "check: ruff";            $(BIN)/ruff check --quiet .
	@echo "check: format";          $(BIN)/ruff format --check --quiet .
	@echo "check: mypy --strict";   $(BIN)/mypy --no-error-summary
	@echo "check: imports";         $(BIN)/lint-imports --no-logo >.import-check 2>&1 || { cat .import-check; rm -f .import-check; exit 1; }; rm -f .import-check

format: $(STAMP) ## let ruff write the format and the safe fixes
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

bench: $(STAMP) ## run the benchmarks: some minutes, some gigabytes of disk (BENCH=--all for the large ones)
	@$(BIN)/python -m tests.bench $(BENCH)

soak: $(STAMP) ## the property and crash tests with twenty times the examples (some hours)
	@RUNLAKE_TEST_SCALE=20 $(BIN)/python -m pytest -q -n auto tests/warehouse tests/ingest tests/api/test_list_pages.py tests/api/test_schemathesis.py tests/api/test_ingest_crash.py tests/api/live/test_seam.py tests/api/webhooks/test_webhook_crash.py tests/api/alerts tests/soak

serve: $(STAMP) ## serve LAKE on http://127.0.0.1:8080
	@$(BIN)/runlake serve --lake $(LAKE) --no-auth

report: $(STAMP) ## write the report of LAKE over PERIOD to REPORT
	@$(BIN)/runlake report --lake $(LAKE) --period $(PERIOD) -o $(REPORT)

lock: ## resolve pyproject.toml anew into requirements.lock
	@echo "lock: resolving with $(UV)"
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet --quiet '$(UV)'; }
	@.venv-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --extra dev pyproject.toml -o requirements.lock

clean: ## remove .venv, the demo lake and every cache
	@rm -rf $(VENV) .venv-lock demo-lake build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
