# Everything a person or a CI machine runs. `make` alone prints this list.
.DEFAULT_GOAL := help
.PHONY: help setup lock chromium test check format demo clean
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
TYPED := inspection pretrain distill service deploy/demo
# Options of the demo, each passed on only when given: make demo IMAGES=DIR ONCE=1 PORT=8090 MINUTES=3
DEMO_OPTIONS = $(if $(IMAGES),--images "$(IMAGES)") $(if $(filter-out 0 no false,$(ONCE)),--once) \
	$(if $(PORT),--port $(PORT)) $(if $(MINUTES),--minutes $(MINUTES)) \
	$(if $(DATA),--data "$(DATA)") $(if $(INIT),--init "$(INIT)") $(if $(PARTS),--parts $(PARTS))

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: ## the environment in .venv, from requirements.lock (instant when nothing changed)
	@$(PYTHON) deploy/tools/environment.py

lock: ## resolve the newest versions that pyproject.toml allows into requirements.lock
	@$(PYTHON) deploy/tools/lock.py

chromium:
	@$(PYTHON) deploy/tools/chromium.py

test: setup chromium ## every test, on the CPU
	@$(BIN)/python -m pytest $(ARGS)

check: setup ## format, lint, types, import contracts, then every test (module sizes among them)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict $(TYPED)
	@$(BIN)/lint-imports --no-cache
	@$(MAKE) test

format: setup ## rewrite the sources in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

demo: setup ## the whole product on a simulated line (IMAGES=DIR ONCE=1 PORT=N MINUTES=M DATA=DIR INIT=none)
	@exec $(BIN)/python -m deploy.demo $(DEMO_OPTIONS)

clean: ## forget what demos left behind (.kensa); the environment stays
	@rm -rf .kensa
