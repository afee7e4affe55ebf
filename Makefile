# Everything a person or a CI machine runs. `make` alone prints this list.
.DEFAULT_GOAL := help
.PHONY: help setup lock programs test test-faults test-hostile shift check words format demo plant-sim poc peers bench-student bench-service bench-pages bench-rollback bench-gate bench-pretrain audit sbom clean
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
TYPED := inspection pretrain distill service deploy/demo deploy/sim deploy/bench
# Options of the demo, each passed on only when given: make demo IMAGES=DIR ONCE=1 PORT=8090 MINUTES=3
DEMO_OPTIONS = $(if $(IMAGES),--images "$(IMAGES)") $(if $(filter-out 0 no false,$(ONCE)),--once) \
	$(if $(PORT),--port $(PORT)) $(if $(MINUTES),--minutes $(MINUTES)) \
	$(if $(DATA),--data "$(DATA)") $(if $(INIT),--init "$(INIT)") $(if $(PARTS),--parts $(PARTS))

# Options of the service's benchmark: make bench-service bench-pretrain DURATION=20 POSTS=50000 ROWS=1000000 ONLY=sqlite
BENCH_OPTIONS = $(if $(DURATION),--duration $(DURATION)) $(if $(POSTS),--posts $(POSTS)) \
	$(if $(ROWS),--rows $(ROWS)) $(if $(ONLY),--only $(ONLY)) $(if $(BUNDLE),--bundle "$(BUNDLE)")

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## the environment in .venv, from requirements.lock (instant when nothing changed)
	@$(PYTHON) deploy/tools/environment.py

lock: ## resolve the newest versions that pyproject.toml allows into requirements.lock
	@$(PYTHON) deploy/tools/lock.py

programs:
	@$(PYTHON) deploy/tools/programs.py

test: setup programs ## every test, on the CPU
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile $(ARGS)

test-hostile: setup ## more than 20 000 made and mutated images, thousands of made requests (half an hour)
	@$(BIN)/python -m pytest tests/inspection/test_hostile_images.py tests/service/test_hostile_requests.py \
		--hypothesis-profile=hostile --timeout=0 $(ARGS)

test-faults: setup ## the fault tests in full: 50 kills, 10 000 connections (a quarter of an hour)
	@$(BIN)/python -m pytest tests/service/faults tests/service/nightly/test_real_training.py --full $(ARGS)

check: setup ## format, lint, types, import contracts, then every test (module sizes among them)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict $(TYPED)
	@$(BIN)/lint-imports --no-cache
	@$(MAKE) test

words: setup ## bring the Japanese words up to date with the sources; what is new in them waits for a translation
	@mkdir -p .kensa
	@$(BIN)/pybabel -q extract -F babel.toml -k words -k mark --no-location --project=Kensa --version= \
		--msgid-bugs-address= --copyright-holder=Kensa -o .kensa/words.pot service
	@$(BIN)/pybabel -q update -N --ignore-obsolete --ignore-pot-creation-date -w 110 -l ja \
		-i .kensa/words.pot -o service/web/words/ja.po

format: setup ## rewrite the sources in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

demo: setup ## the whole product on a simulated line (IMAGES=DIR ONCE=1 PORT=N MINUTES=M DATA=DIR INIT=none)
	@exec $(BIN)/python -m deploy.demo $(DEMO_OPTIONS)

plant-sim: setup ## thirty nights of a simulated plant beside two that do without Kensa (NIGHTS=N PARTS=N SEED=N BUDGET=0.1)
	@exec $(BIN)/python -m deploy.sim $(if $(NIGHTS),--nights $(NIGHTS)) $(if $(PARTS),--parts $(PARTS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(BUDGET),--flagged-budget $(BUDGET))

poc: setup ## the plant's proof of concept (DATA=DIR MINUTES=M OUT=DIR INIT=none PLANT=FILE LABELS=0)
	@test -n "$(DATA)" || { echo "error: DATA is missing: make poc DATA=DIR MINUTES=M OUT=DIR" >&2; exit 2; }
	@exec $(BIN)/python -m distill poc --data "$(DATA)" --minutes $(or $(MINUTES),30) --out "$(or $(OUT),.kensa/poc)" \
		$(if $(INIT),--init "$(INIT)") $(if $(PLANT),--plant "$(PLANT)") $(if $(filter 0 no false,$(LABELS)),--no-labels)

peers: setup ## PatchCore, PaDiM, EfficientAD-style beside ours (DATA=DIR MINUTES=M OUT=DIR INIT=WEIGHTS)
	@test -n "$(DATA)" || { echo "error: DATA is missing: make peers DATA=DIR MINUTES=M OUT=DIR" >&2; exit 2; }
	@exec $(BIN)/python -m distill peers --data "$(DATA)" --minutes $(or $(MINUTES),10) --out "$(or $(OUT),.kensa/poc)" \
		$(if $(INIT),--init "$(INIT)")

bench-student: setup ## every form of the student beside its teacher and peers, in turns (DATA=BUNDLE RECIPE=small SECONDS=S)
	@exec $(BIN)/python -m distill bench $(if $(DATA),--bundle "$(DATA)") $(if $(RECIPE),--recipe $(RECIPE)) $(if $(SECONDS),--seconds $(SECONDS))

bench-service: setup ## the service beside a bare loop of its student (DURATION=20 POSTS=50000 ROWS=1000000 ONLY=sqlite)
	@exec $(BIN)/python -m deploy.bench $(BENCH_OPTIONS)

bench-pages: setup ## weight and time to the first row of every page (ROWS=20000 ONLY=sqlite HELD=1 TRIES=7)
	@exec $(BIN)/python -m deploy.bench.pages $(if $(ROWS),--rows $(ROWS)) $(if $(ONLY),--only $(ONLY)) \
		$(if $(filter-out 0 no false,$(HELD)),--held) $(if $(TRIES),--tries $(TRIES)) $(if $(BUNDLE),--bundle "$(BUNDLE)")

bench-rollback: setup ## how long the way back to the champion before takes (TRIES=20 ONLY=sqlite BUNDLE=DIR)
	@exec $(BIN)/python -m deploy.bench.rollback $(if $(TRIES),--tries $(TRIES)) $(if $(ONLY),--only $(ONLY)) \
		$(if $(BUNDLE),--bundle "$(BUNDLE)")

bench-gate: setup ## how often the gate errs, over simulated nights (SEEDS=400)
	@exec $(BIN)/python -m deploy.bench.gate $(if $(SEEDS),--seeds $(SEEDS))

bench-pretrain: setup ## a training step beside its parts, in images a second (RECIPE=demo BATCH=24 SECONDS=60 PROCESSES=2)
	@exec $(BIN)/python -m pretrain bench $(RECIPE) $(if $(BATCH),--batch $(BATCH)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(PROCESSES),--processes $(PROCESSES))

audit: setup ## known vulnerabilities in the locked packages (needs the network)
	@$(PYTHON) -m deploy.tools.audit

sbom: setup ## all that is installed, as a CycloneDX document (.kensa/sbom.json)
	@$(PYTHON) -m deploy.tools.sbom

shift: setup programs ## a reviewer's shift by keyboard alone, timed (PARTS=300 THINK=1 OUT=DIR)
	@KENSA_SHIFT_PARTS=$(or $(PARTS),300) KENSA_SHIFT_THINK_S=$(or $(THINK),1) KENSA_ARTEFACTS="$(or $(OUT),.kensa/shift)" \
		$(BIN)/python -m pytest tests/browser/test_shift.py -q -s $(ARGS)

clean: ## forget what demos left behind (.kensa); the environment stays
	@rm -rf .kensa
