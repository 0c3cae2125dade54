# What a developer calls is what CI calls: `.ci/run` is `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# More for pip, as PIP_FLAGS="--extra-index-url ..." with PyTorch's index of CPU builds, which saves 2 GB without a GPU.
PIP_FLAGS ?=
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: install demo serve test lint audit sbom bench bench-quality bench-env guarantees

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into .venv; the first time this takes some minutes."
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	touch $(STAMP)

# ARGS="--reset" starts anew.
demo: $(STAMP)
	$(BIN)/portrait demo $(ARGS)

serve: $(STAMP)
	$(BIN)/portrait serve $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest $(ARGS)

# Known weaknesses of the pinned releases; asks the package index. Where it cannot, it says so and ends with 2.
audit: .venv-audit/.installed
	.venv-audit/bin/pip-audit --strict --disable-pip --no-deps -r constraints.txt $(ARGS) \
		|| { echo "AUDIT NOT CLEAN: weaknesses above, or the index could not be asked." >&2; exit 2; }

# The parts of what is installed, as CycloneDX JSON.
sbom: $(STAMP) .venv-audit/.installed
	.venv-audit/bin/cyclonedx-py environment --output-format JSON --output-file sbom.json --pyproject pyproject.toml $(BIN)/python
	@echo "sbom.json"

# Tools of their own: they must not change what they look at.
.venv-audit/.installed:
	test -x .venv-audit/bin/python || $(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) "pip-audit>=2.10" "cyclonedx-bom>=7.5" \
		|| { echo "SKIPPED: pip-audit and cyclonedx-bom could not be installed; nothing was audited." >&2; exit 2; }
	touch $@

bench: $(STAMP)
	$(BIN)/python -m benchmarks $(ARGS)

# Promises that take minutes: kills a service of its own for two of them. The others are in `make test`.
guarantees: $(STAMP)
	$(BIN)/python -m benchmarks.guarantees

# Accuracy beside the competitors; hours for all data sets. ARGS="--data ifdb --queries 500" for a first look.
bench-quality: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.quality $(ARGS)

# SASRec's own environment (RecTools wants older libraries than ours); with it `bench-quality` has SASRec take part.
bench-env: .venv-bench/.installed

.venv-bench/.installed: benchmarks/sasrec/requirements.txt
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -r benchmarks/sasrec/requirements.txt
	touch $@
