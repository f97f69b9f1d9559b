# Two commands: `make serve` and `make test`. Each installs what it needs below .venv/ first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= $(or $(HOIQUY_PORT),8000)
INSTALL = install --quiet --disable-pip-version-check --constraint constraints.txt --editable

SERVE := .venv/serve
DEV := .venv/dev
PEERS := .venv/peers

.PHONY: serve test soak bench study-small check lint install-serve install-dev clean

serve: $(SERVE)/ready  ## Serve the shipped checkpoints: make serve PORT=9000
	HOIQUY_PORT=$(PORT) exec $(SERVE)/bin/gunicorn --config service/gunicorn.conf.py service.wsgi:app

test: $(DEV)/ready  ## Run the tests
	$(DEV)/bin/python -m pytest

soak: $(DEV)/ready  ## Try what the service promises at its full figures: about an hour
	HOIQUY_SOAK=1 $(DEV)/bin/python -m pytest tests/promises

bench: $(DEV)/ready $(PEERS)/ready  ## Measure against the peers: benchmarks/results/ and the README's tables
	for part in engine sentiment service training_speed growth report; do OMP_NUM_THREADS=1 $(DEV)/bin/python -m benchmarks.$$part || exit; done

study-small: $(DEV)/ready  ## The recurrent family side by side, in some minutes: runs/study-small/report.md
	$(DEV)/bin/python -m training study training/configs/study-small.toml

check: lint test  ## What CI runs

lint: $(DEV)/ready  ## Style, types, import order
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy

install-serve: $(SERVE)/ready
install-dev: $(DEV)/ready

$(SERVE)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(SERVE)
	$(SERVE)/bin/python -m pip $(INSTALL) '.[serve]'
	touch $@

$(DEV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python -m pip $(INSTALL) '.[dev]'
	touch $@

$(PEERS)/ready: benchmarks/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement benchmarks/peers.txt
	touch $@

clean:  ## Remove the environments and caches, but no data, run or checkpoint
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache
