# `make run` does the main job, `make test` runs the whole test suite; both set up .venv first where it is missing
# or stale. Another Python: `make run PYTHON=python3.12`.

OUT ?= out/ms-600-tid
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
FOUND := $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	if command -v $$p >/dev/null 2>&1 && $$p -c '$(SUPPORTED)' >/dev/null 2>&1; then echo $$p; break; fi; done)
PYTHON ?= $(FOUND)
# A file of tests runs in one process, in the order that tests/file_order.py gives. Compiled modules and tests are kept,
# whatever the shell says: each process and each command that a test starts would compile them again.
PYTEST := PYTHONDONTWRITEBYTECODE= PYTHONPATH=tests $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -p file_order
VERSION = import sys; print("%d.%d" % sys.version_info[:2])

.PHONY: run app test quick lint baseline docs pictures constraints clean

run: $(STAMP)
	$(BIN)/spasmlab run --drug gabapentin --regimen "600 mg tid" --days 14 --condition ms-spasticity --out $(OUT)

app: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[app]" -c constraints.txt
	$(BIN)/spasmlab app

test: $(STAMP)
	@.ci/chromium
	$(PYTEST)

quick: $(STAMP)
	$(PYTEST) -m "not slow"

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

baseline: $(STAMP)
	$(BIN)/python tests/baseline.py

docs: $(STAMP)
	$(BIN)/python -m spasmlab.docs_tables
	$(BIN)/python -m spasmlab.cli.page
	$(BIN)/python -m spasmlab.predicted_page
	$(BIN)/python -m spasmlab.predicted_circuit_page
	$(BIN)/python -m spasmlab.contrast_page
	$(BIN)/python -m spasmlab.rivals_page
	$(BIN)/python -m spasmlab.surrogate.page
	$(BIN)/python -m spasmlab.scoreboard_page
	$(BIN)/python -m spasmlab.fitting_page
	$(BIN)/python -m spasmlab.prescribing.page

pictures: run
	cp $(OUT)/figures/overview.svg docs/picture.svg

constraints: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --no-header --extra test pyproject.toml --output-file constraints.txt --upgrade

# An environment of another Python version is made anew; one of the same version is only brought up to date.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c '$(SUPPORTED)' || { echo "Python 3.11, 3.12 or 3.13 is needed; give one with PYTHON=..."; exit 2; }
	@if [ "$$($(BIN)/python -c '$(VERSION)' 2>/dev/null)" != "$$($(PYTHON) -c '$(VERSION)')" ]; then \
		echo "Making $(VENV) with $(PYTHON)"; $(PYTHON) -m venv --clear $(VENV); fi
	@echo "Installing into $(VENV) (about a minute the first time)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]" -c constraints.txt
	@touch $@

clean:
	rm -rf $(VENV) out build dist
