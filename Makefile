# One entry for every developer task. Needs only python3 (3.11 or 3.12) and pip; installs uv by itself.

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --no-sync
EXTRAS := --extra demo --extra semantic --extra kafka --extra mysql --extra mongo
# Reads files that are newer than the pinned DuckDB; in a folder of its own.
DUCKDB_NEXT := 2.0.0

.PHONY: reference help run demo-drift env env-full test test-full faults bench lint format types docs clean

help:            ## this list
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  +##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

env:             ## the environment, from uv.lock
	@command -v $(UV) >/dev/null 2>&1 || { echo "Installing uv into .uv"; $(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .uv uv; }
	@$(UV) sync --frozen --quiet --compile-bytecode $(EXTRAS) --python $(PYTHON)
	@$(RUN) python -m compileall -q plugins ingest demo
	@[ -d .venv/duckdb-next ] || $(UV) pip install --quiet --no-deps --target .venv/duckdb-next "duckdb==$(DUCKDB_NEXT)"

env-full: env    ## the environment with Spark
	@$(UV) sync --frozen --quiet --compile-bytecode $(EXTRAS) --extra spark --python $(PYTHON)

run: env         ## three source systems to published gold
	@$(RUN) smelt demo up
	@$(RUN) smelt run --docs

demo-drift: env  ## the shop's columns change: a pull request, held-back rows, and how to merge it
	@$(RUN) smelt demo up
	@$(RUN) smelt published >/dev/null 2>&1 || $(RUN) smelt run
	@$(RUN) smelt demo drift

test: env        ## everything that needs only PyPI
	@$(RUN) pytest -q -n 2 --dist loadscope --no-loadscope-reorder -m "not full"

test-full: env-full ## what needs Java, MariaDB and a browser (installed from Debian if missing)
	@missing="$$(command -v java >/dev/null 2>&1 || echo default-jre-headless) $$(command -v chromium >/dev/null 2>&1 || echo chromium) $$([ -x /usr/sbin/mariadbd ] || echo mariadb-server-core)"; \
	[ -z "$$(echo $$missing)" ] || { apt-get update -qq && apt-get install -y -qq $$missing; }
	@$(RUN) pytest -q -n 2 --dist loadscope --no-loadscope-reorder -m full

faults: env-full ## whatever can go wrong, 100 times for each kind of source: bronze is what was written
	@missing="$$(command -v java >/dev/null 2>&1 || echo default-jre-headless) $$([ -x /usr/sbin/mariadbd ] || echo mariadb-server-core)"; \
	[ -z "$$(echo $$missing)" ] || { apt-get update -qq && apt-get install -y -qq $$missing; }
	@SMELT_FAULTS=$${SMELT_FAULTS:-100} $(RUN) pytest -q -s -m full tests/faults

bench: env       ## speed, each figure against a peer or a limit in the same run
	@$(RUN) python -m bench

lint: env        ## ruff, sqlfluff, import rules
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) lint-imports
	@$(RUN) sqlfluff lint models tests/assertions

types: env       ## pyright
	@$(RUN) pyright

format: env      ## rewrite in house style
	@$(RUN) ruff check --fix
	@$(RUN) ruff format
	@$(RUN) sqlfluff fix models tests/assertions

reference: env  ## docs/reference pages from the models of smelt.toml and source.yml
	@$(RUN) python -m ingest.spec.reference

docs: env        ## dbt docs, one static page: target/static_index.html
	@$(RUN) dbt docs generate --static

clean:           ## forget the lake, the demo's servers and all builds
	@$(RUN) smelt demo down --wipe
	@rm -rf lake target logs .smelt
