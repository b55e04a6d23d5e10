# Podium's commands. A fresh machine needs Python 3.11 (with venv), make, gcc and git; the rest is installed from here.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest

.PHONY: help demo test check unit contracts ray install system sandbox lock clean
.DEFAULT_GOAL := help

help: ## Show these targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.done ## Make the environment in .venv from the lock

$(VENV)/.done: requirements/podium.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps -r requirements/podium.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

system: ## Install the sandbox's system packages where this user may, else say the one command
	@scripts/install-system.sh

sandbox: install system ## Build the root file system that generated code sees
	@$(BIN)/python -m containers.rootfs

demo: sandbox ## Agents solve the starter tasks on a local Ray cluster (about 3 minutes once installed)
	@scripts/demo.sh

test: sandbox ## Every tier of tests that this machine can run; reasons of skips at the end
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) tests

check: install ## The part that takes a minute: style, types, unit tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) tests/unit tests/test_house.py -q

unit: install ## Unit tests alone
	$(PYTEST) tests/unit tests/test_house.py -q

contracts: sandbox ## One suite per kind of plug-in: sandboxes, tasks, agents, the offline model
	$(PYTEST) tests/contracts

ray: sandbox ## Tests against a real local cluster
	$(PYTEST) tests/ray

lock: ## Pin the environments anew: Podium's from what .venv holds, the sandbox's from sandbox.in
	@(echo "# Every package of Podium's own environment, pinned. Made by: make lock"; \
	  $(BIN)/python -m pip list --format=freeze --exclude-editable | grep -v '^pip==' | sort -f) > requirements/podium.txt
	@folder=$$(mktemp -d) && $(PYTHON) -m venv "$$folder" && "$$folder/bin/pip" install --quiet -r requirements/sandbox.in \
	  && (echo "# Every package that generated code may import, pinned. Made from sandbox.in by: make lock"; \
	  "$$folder/bin/pip" freeze | sort -f) > requirements/sandbox.txt; rm -rf "$$folder"

clean: ## Remove environments and caches; data, runs and clusters stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
