# One place for every command. `make help` lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
UV ?= uv
ONCE_FLAG := $(if $(filter-out 0 no false,$(ONCE)),--once)
ARGS ?=

.PHONY: help setup run test lint check lock docker-env clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# What the environment was made of: where, which Python, which packages, which project.
FINGERPRINT = $(BIN)/python -I -c 'import hashlib, os, sys; \
	print(os.getcwd(), ".".join(map(str, sys.version_info[:3])), \
	hashlib.sha256(open("requirements.lock", "rb").read() + open("pyproject.toml", "rb").read()).hexdigest())'
# A Python fits when it really runs (a shim may not), is 3.11 to 3.13, and can make environments.
FITS := -c 'import sys; v = sys.version_info[:2]; \
	(3, 11) <= v <= (3, 13) or sys.exit("is Python %d.%d" % v); import venv, ensurepip'
VERSION = -c 'import sys; print(sys.version)'

setup: ## Make .venv from the locked dependencies; at once when it is current. PYTHON=... chooses the Python
	@[ -f $(VENV)/stamp ] && [ "$$($(FINGERPRINT) 2>&1)" = "$$(cat $(VENV)/stamp)" ] && $(if $(PYTHON),\
	  [ "$$("$(PYTHON)" -I $(VERSION) 2>&1)" = "$$($(BIN)/python -I $(VERSION))" ],true) \
	  || $(MAKE) --no-print-directory environment

.PHONY: environment
environment:
	@tried=""; found=""; \
	for python in $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3 python); do \
	  why=$$("$$python" -I $(FITS) 2>&1) && { found="$$python"; break; }; \
	  case "$$why" in Traceback*) line=-1;; *) line=+1;; esac; \
	  tried="$$tried\n  $$python: $$(printf '%s\n' "$$why" | grep -v '^ *$$' | { [ $$line = -1 ] && tail -1 || head -1; })"; \
	done; \
	if [ -z "$$found" ]; then \
	  printf 'no Python 3.11, 3.12 or 3.13 that can make a virtual environment; tried:%b\n' "$$tried" >&2; \
	  printf 'install one (with its venv module: on Debian the package python3-venv), or name it: make setup PYTHON=/path/to/python3.11\n' >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" -V) ($$found)"; \
	rm -rf $(VENV); "$$found" -m venv $(VENV)
	@total=$$(grep -c '^[a-z0-9]' requirements.lock); \
	{ $(BIN)/python -m pip install --require-hashes --only-binary :all: --no-deps --progress-bar off -r requirements.lock 2>&1; \
	  echo "pip ended with $$?"; } | tee $(VENV)/pip.log | awk -v total=$$total ' \
	  /^(Collecting|Processing) / { if (++n % 25 == 0) print "  " n " of at most " total " packages"; fflush() } \
	  /^Installing collected/ { print "  installing " n " packages ..."; fflush() } \
	  /^ERROR/ { print } \
	  /^pip ended with / { code = $$4 } \
	  END { exit code }' || { echo "the packages were not installed; the last lines of $(VENV)/pip.log:" >&2; tail -15 $(VENV)/pip.log >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e . > $(VENV)/project.log 2>&1 \
	  || { cat $(VENV)/project.log >&2; exit 1; }
	@$(FINGERPRINT) > $(VENV)/stamp
	@echo "Ready: $(VENV)"

run: setup ## Start everything and run each example once; serves until Ctrl-C. ONCE=1 ends after the runs
	@exec $(BIN)/python -m dataflow.service $(ONCE_FLAG)

# Files of tests run side by side; what is about moments, such as being killed in one, runs alone.
ALONE := alone
QUICK := not slow and not airflow and not browser and not postgres and not mariadb
PYTEST = $(BIN)/python -m pytest
SIDE_BY_SIDE = $(PYTEST) --numprocesses logical --dist loadfile
NO_TESTS = 5

test: setup ## Run the whole test suite. ARGS=... are pytest's
	@first=0; then=0; \
	$(SIDE_BY_SIDE) -m "not ($(ALONE))" $(ARGS) || first=$$?; \
	case $$first in 0|1|$(NO_TESTS)) ;; *) exit $$first;; esac; \
	$(PYTEST) -m "$(ALONE)" $(ARGS) || then=$$?; \
	[ $$then -ne $(NO_TESTS) ] || then=$$first; \
	[ $$first -eq 0 ] || [ $$first -eq $(NO_TESTS) ] || exit $$first; \
	exit $$then

lint: setup ## Format, lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## Lint and the quick tests
	$(SIDE_BY_SIDE) -m "$(QUICK)" $(ARGS)

lock: ## Resolve pyproject.toml again into requirements.lock: all Pythons and platforms, hashes, wheels only. Needs uv
	@command -v $(UV) > /dev/null || { echo "make lock needs uv (https://docs.astral.sh/uv); it is not on PATH. UV=/path/to/uv names it" >&2; exit 1; }
	$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --only-binary :all: \
	  --no-emit-index-url --no-header -o requirements.lock

docker-env: ## Write the secrets of docker-compose.yaml into an untracked .env; those that are there stay
	@sh docker/make-env .env

clean: ## Remove what builds, tests and runs made here, also .dataflow with its data. .venv stays
	rm -rf .dataflow build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dbt/target dbt/logs
	find include dags plugins tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2> /dev/null || true
