# Needs python >= 3.11 with venv, and make; everything else goes into .venv. `make demo ARGS="--json"` hands flags on.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.SUFFIXES:
.PHONY: demo install test check bench schema clean
.DEFAULT_GOAL := demo

VENV := .venv
BIN := $(VENV)/bin
# Standard output belongs to the programs: what pip and we have to say goes to standard error.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

demo: $(VENV)/.installed
	@exec $(BIN)/motet demo $(ARGS)

install: $(VENV)/.installed

test: $(VENV)/.installed-test
	@exec $(BIN)/python -m pytest -n logical $(ARGS)

check: $(VENV)/.installed-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/audit_dependencies.py

# BENCH=graphql reads a large fleet, BENCH=session times the SMPP session alone.
BENCH := relay
bench: $(VENV)/.installed-bench
	@exec $(BIN)/python -m bench.$(BENCH) $(ARGS)

schema: $(VENV)/.installed
	$(BIN)/motet schema > schema.graphql
	$(BIN)/python -m tools.permissions

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# An interrupted or broken .venv is made anew: it has no pip that runs.
$(VENV)/.made:
	@python=; for one in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if $$one -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$one; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "motet: Python 3.11 or newer is needed; on Debian: apt-get install python3 python3-venv" >&2; exit 1; \
	fi; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    echo "motet: making $(VENV) with $$($$python --version)" >&2; \
	    if ! $$python -m venv --clear $(VENV) >&2; then \
	        rm -rf $(VENV); \
	        echo "motet: $$python cannot make a venv; on Debian: apt-get install python3-venv" >&2; exit 1; \
	    fi; \
	fi
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml
	@echo "motet: installing" >&2
	@$(PIP) . >&2
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "motet: installing the test tools" >&2
	@$(PIP) '.[test]' >&2
	@touch $@

$(VENV)/.installed-check: $(VENV)/.installed
	@echo "motet: installing the tools of make check" >&2
	@$(PIP) '.[test,check]' >&2
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	@echo "motet: installing the tools of make bench" >&2
	@$(PIP) '.[bench]' >&2
	@touch $@
