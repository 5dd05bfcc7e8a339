# One command each. Everything is installed into .venv of this folder; nothing global, no sudo.
PYTHON ?= python3
SOAK ?= today/6
VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements/runtime.txt requirements/dev.txt
SPARK := $(shell command -v java 2>/dev/null)
CHROMIUM := $(shell command -v chromium 2>/dev/null || command -v chromium-browser 2>/dev/null)
SLAPD := $(wildcard /usr/sbin/slapd)
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --quiet

# Into this folder, whatever other environment is active in the shell.
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python

# Commands start three times faster from compiled files: let Python keep them, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test soak mutate quick check advisories bench docs pictures tutorials lock sbom clean
.DEFAULT_GOAL := demo

$(VENV)/.uv: requirements/uv.txt
	$(PYTHON) -c 'import sys; sys.exit("bankloop needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	touch $@

$(VENV)/.runtime: $(VENV)/.uv requirements/runtime.txt pyproject.toml
	$(INSTALL) --require-hashes -r requirements/runtime.txt
	$(INSTALL) --require-hashes -r requirements/build.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	$(BIN)/python -c 'from bankloop.loop.warm_up import compile_kernels; compile_kernels()'
	touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(INSTALL) --require-hashes -r requirements/dev.txt
	touch $@

$(VENV)/.spark: $(VENV)/.dev requirements/spark.txt
	$(INSTALL) --require-hashes -r requirements/spark.txt
	touch $@

## setup: install what running needs
setup: $(VENV)/.runtime

## demo: the whole loop on a simulated bank of 300,000 customers, then the console on this machine
demo: $(VENV)/.runtime
	$(BIN)/bankloop demo $(DEMO)

## test: every test that this machine can run, of the long ones a sixth, another each day (SOAK=all: all); what needs Java, Chromium or slapd is left out where they are missing, and listed
test: $(VENV)/.dev $(if $(SPARK),$(VENV)/.spark)
	@$(if $(SPARK),:,echo "left out: tests marked spark (no java on this machine)")
	@$(if $(CHROMIUM),:,echo "left out: tests marked browser (no chromium on this machine)")
	@$(if $(SLAPD),:,echo "left out: tests marked ldap (no slapd on this machine)")
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --soak $(SOAK) -m "(spark or not spark)$(if $(SPARK),, and not spark)$(if $(CHROMIUM),, and not browser)$(if $(SLAPD),, and not ldap)" $(TESTS)

## soak: the long tests, all of them: kills, crash points, full sizes, many seeds
soak: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --hypothesis-profile searching -m soak $(TESTS)

## mutate: break every capability on purpose and expect its marked tests to fail; some alone with MUTATE="--only A3,A18" or "--sample today/30"
mutate: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python scripts/mutate.py $(MUTATE)

## quick: the tests without a mark: no bank of their own, nothing long
quick: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -m "not (bank or soak or browser or spark or ldap)" $(TESTS)

## check: format, lint, strict types, the order of the rooms, documents that cannot drift
check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/reference.py --check
	$(BIN)/python scripts/components.py
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --baseline .secrets.baseline

## advisories: look the locked requirements up in the registry's advisories, where they can be reached
advisories: $(VENV)/.dev
	$(BIN)/python scripts/advisories.py

## bench: measure every claim; writes benchmarks/results.json and docs/benchmarks.md
bench: $(VENV)/.runtime
	$(BIN)/bankloop bench all --write benchmarks/results.json

## docs: generate the reference and build the site
docs: $(VENV)/.dev
	$(BIN)/python scripts/reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

## pictures: take the role guides' pictures anew, of the demo bank that the tests make
pictures: $(VENV)/.dev
	RENEW_PICTURES=1 OMP_NUM_THREADS=1 $(BIN)/pytest -q tests/test_demo.py -k pictures

## tutorials: play the tutorials and make what they show what is printed
tutorials: $(VENV)/.dev
	$(BIN)/python scripts/tutorials.py --write tutorial/own-bank.md tutorial/own-bank.zh.md tutorial/first-campaign.md tutorial/first-campaign.zh.md

## lock: renew the hash-locked requirements
lock: $(VENV)/.uv
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) pyproject.toml -o requirements/runtime.txt
	$(COMPILE) requirements/build.in -o requirements/build.txt
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) requirements/spark.in -o requirements/spark.txt
	$(PYTHON) scripts/advisories.py --renewed

## sbom: what the program is made of, with licences and hashes, as CycloneDX
sbom: $(VENV)/.runtime
	$(BIN)/python scripts/components.py --sbom sbom.json

clean:
	rm -rf $(VENV) site demo-bank
