# make app: everything that is needed, then the app.  make test: the same set-up, then the whole test suite.
PYTHON ?= python3
# Files of tests that run at once, each in a process with one thread: processes with several would wait for each other.
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app test lint clean

app: $(VENV)/.installed
	$(BIN)/streamlit run app.py

test: $(VENV)/.installed
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/ruff check .
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

lint: $(VENV)/.installed
	$(BIN)/ruff check .

$(VENV)/.installed: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade -r requirements.txt
	touch $@

clean:
	rm -rf $(VENV)
