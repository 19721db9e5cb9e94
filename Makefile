# Everything runs from .venv; a target sets it up first.

PYTHON ?= python3
BIN := .venv/bin
DEMO_START := 2025-12-09
DEMO_END := 2025-12-16
DEMO_SESSIONS := 2025-12-12 2025-12-15 2025-12-16

.PHONY: help setup demo backfill gold gold-demo research evaluate check test lint style format lock docs report bench bench-quick profile prove-causality validate \
	clean

# Stops with how to call the target unless all of these are given.
need = $(if $(strip $(foreach name,$(1),$(if $(strip $($(name))),,x))),$(error usage: make $@ $(2)))

help: ## Show the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "%-16s %s\n", $$1, $$2}'

setup: .venv/.installed ## Install the project and its pinned packages into .venv.

# Some systems ship Python without ensurepip; there the system's pip installs into the venv.
PIP = $$($(BIN)/python -m pip --version >/dev/null 2>&1 && echo $(BIN)/python -m pip || \
	echo $(PYTHON) -m pip --python $(BIN)/python) install --quiet

.venv/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -m venv .venv 2>/dev/null || $(PYTHON) -m venv --without-pip .venv
	@$(PIP) --requirement requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.installed-research: .venv/.installed requirements-dev.txt
	@$(PIP) --constraint requirements-dev.txt lightgbm scikit-learn
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.txt
	@$(PIP) --requirement requirements-dev.txt
	@touch $@

demo: setup ## Simulate a market, build three sessions of it, show their labelled events.
	$(BIN)/python -m ingest simulate --start $(DEMO_START) --end $(DEMO_END)
	$(BIN)/es-physics build --start $(firstword $(DEMO_SESSIONS)) --end $(DEMO_END)
	$(BIN)/es-physics show $(DEMO_SESSIONS)

backfill: setup ## Build the sessions from START= to END= that are not up to date.
	$(call need,START END,START=2025-12-12 END=2025-12-16 [ARGS='--workers 4'])
	@$(BIN)/es-physics build --start $(START) --end $(END) $(ARGS)

gold: setup ## Make gold of the committed sessions from START= to END=.
	$(call need,START END,START=2025-01-02 END=2025-12-16 [VARS='min_train: 20'])
	$(BIN)/dbt build --target gold --select gold --exclude-resource-type unit_test --vars '{gold_start: $(START), gold_end: $(END), $(VARS)}'

evaluate: setup ## Score what models predicted from the published gold; reports/research.html.
	$(BIN)/dbt build --target evaluation --select gold.evaluation --exclude-resource-type unit_test
	$(BIN)/es-physics report --research

gold-demo: setup ## Simulate and build ten small weeks, and make gold of them with three folds; minutes.
	$(BIN)/python -m ingest simulate --scale tiny --start 2025-09-29 --end 2025-12-16
	$(BIN)/es-physics build --start 2025-10-02 --end 2025-12-16
	$(MAKE) gold START=2025-10-02 END=2025-12-16 VARS='min_train: 20'

research: .venv/.installed-research ## Fit models on gold for TARGET, fold by fold, beside a random walk.
	$(call need,TARGET,TARGET=scaled [ARGS='--models lightgbm_null'])
	@$(BIN)/es-physics research --target $(TARGET) $(ARGS)

check: style ## Check what needs no market, build, browser or many processes: in a minute, after every change.
	$(BIN)/python -m pytest -m "not market" $(TEST_OPTIONS)

test: lint ## Run every check and test.
	$(BIN)/python -m pytest $(TEST_OPTIONS)
TEST_OPTIONS := -n 2 --dist loadfile

lint: style ## Check the style of Python and SQL, and types.
	$(BIN)/sqlfluff lint --processes 0 models tests

style: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.installed-dev ## Format the Python.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What runs the project, and with it what tests it: both name one version of each package.
lock: ## Renew requirements*.txt from pyproject.toml (needs uv).
	uv pip compile pyproject.toml --extra dev -o requirements-dev.txt $(LOCK_OPTIONS)
	uv pip compile pyproject.toml --extra setup -c requirements-dev.txt -o requirements.txt $(LOCK_OPTIONS)
LOCK_OPTIONS := --python-version 3.11 --no-emit-index-url --no-annotate --no-header

docs: setup ## Write the dbt docs site as one page, target/static_index.html.
	$(BIN)/dbt docs generate --target docs --static

report: setup ## Write pages of SESSION, from START to END, or else of all sessions, and reports/index.html.
	$(BIN)/es-physics report $(SESSION) $(if $(START),--start $(START)) $(if $(END),--end $(END)) \
		$(if $(SESSION)$(START)$(END),,--all)

bench: .venv/.installed-dev ## Time a full-size session beside a Polars script and a bare scan, ingest, and research.
	$(BIN)/python -m bench.compare --book-rows 1000000 2500000 10000000 24000000
	$(BIN)/python -m bench.ingest
	$(BIN)/python -m bench.folder
	$(BIN)/python -m bench.orders
	$(BIN)/python -m bench.research

bench-quick: .venv/.installed-dev ## Compare what a small session costs with the kept ratios, in three minutes.
	$(BIN)/python -m bench.quick

profile: .venv/.installed-dev ## Show where the time of a full-size dbt build goes, node by node.
	$(BIN)/python -m bench.profile

prove-causality: setup ## Rebuild a session from cut Bronze and compare: make prove-causality SESSION=2025-12-16
	$(call need,SESSION,SESSION=2025-12-16)
	$(BIN)/es-physics prove-causality $(SESSION)

validate: setup ## Check published sessions: make validate START=2025-12-12 END=2025-12-16
	$(call need,START END,START=2025-12-12 END=2025-12-16)
	$(BIN)/es-physics validate --start $(START) --end $(END)

clean: ## Remove what a build leaves, but no data.
	rm -rf target logs .pytest_cache .mypy_cache .ruff_cache
