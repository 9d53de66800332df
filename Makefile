# Every command sets up what it needs, and no more: Python 3.11+, make and git are enough.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: help book downloads check test dist verify proofs coqchk bench bench-pages mutants pretrain records ledger execute serve lab clean

PYTHON    ?= python3
NOTEBOOKS ?= $(wildcard book/*.ipynb)
WORKERS   ?= 2
PORT      ?= 8000
LAB_OPTIONS ?=
BENCH_OPTIONS ?=
MUTANTS_OPTIONS ?=
SITE      := _build/html
RUN       := .venv/bin/python
PIP       := $(RUN) -m pip install --quiet --disable-pip-version-check

# The tests of the library alone, in seconds: no claims, no notebooks, no proofs, no site, no training.
QUICK := floors documented arrays files algebra mrp tasks td transformer episodes operator instances state_form linear_attention stock verify diagnose pretrain_batches frozen_lake cli

# Nothing of the user's own Python leaks in.
export PYTHONNOUSERSITE := 1
export JUPYTER_PREFER_ENV_PATH := 1
unexport PYTHONPATH PYTHONHOME

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

book: .venv/book  ## build the site from the committed outputs; any warning is an error
	@rm -rf _build
	@.venv/bin/jupyter-book build -W --keep-going -n -q . || { echo "The book did not build." >&2; exit 1; }
	@test -f $(SITE)/index.html
	@echo "Built: $(CURDIR)/$(SITE)/index.html"

downloads: .venv/ready  ## build the site with PDFs of each page and of the whole book, and an archive to read offline (needs Chromium)
	@ICRL_DOWNLOADS=1 $(MAKE) --no-print-directory book
	@$(RUN) tools/downloads.py

check: .venv/ready  ## in about a minute: lint, format, types, the floors, and the library's own tests
	@$(RUN) -m ruff check --quiet --output-format concise
	@$(RUN) -m ruff format --check --quiet || { echo "Not formatted: .venv/bin/ruff format" >&2; exit 1; }
	@$(RUN) -m mypy
	@$(RUN) -m pytest -q -n $(WORKERS) --dist loadfile $(QUICK:%=tests/test_%.py)

test: .venv/ready book  ## build the book, then test the library, claims, notebooks, tools and the site
	@$(RUN) -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder tests book \
	    --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg

dist: .venv/ready  ## build wheel and sdist, and try both: the wheel without PyTorch, the sdist by its own `make check`
	@$(SHELL) tools/dist.sh

verify: .venv/ready  ## check every claim, and let every planted error be refuted
	@$(RUN) -m icrl verify

proofs: .venv/ready  ## let Rocq check the proofs, and keep the result on record (needs coq and MathComp)
	@$(RUN) -m icrl proofs

coqchk: .venv/ready  ## let a second kernel read the proofs again, and every library below them: two minutes
	@$(RUN) -m icrl proofs --libraries

bench: .venv/ready  ## measure what a layer costs, four ways side by side, and a training step, three ways
	@$(RUN) benchmarks/layers.py $(BENCH_OPTIONS)

bench-pages: .venv/ready book  ## measure six pages of the site on a slow machine; another site: BENCH_OPTIONS="--beside DIR"
	@$(RUN) benchmarks/pages.py $(BENCH_OPTIONS)

mutants: .venv/ready  ## put 200 small wrong changes of icrl/ to the tests and claims: an hour or two; goes on where it was stopped
	@$(RUN) tools/mutants.py --workers $(WORKERS) $(MUTANTS_OPTIONS)

# The folder in the making is build/pretraining, which git ignores; it takes the old one's place when everything is in it.
pretrain: .venv/ready  ## train every protocol of the book anew, 20 seeds each: an hour or two; goes on where it was stopped
	@$(RUN) -m icrl pretrain all --seeds 0-19 --out build/pretraining --resume
	@rm -rf icrl/pretrain/recorded
	@mv build/pretraining icrl/pretrain/recorded

records: .venv/ready  ## recompute every stored record's figures from its stored parameters: some minutes
	@$(RUN) tools/records.py

ledger: .venv/ready  ## run the claims and write the pages generated from them
	@$(RUN) -m icrl ledger

execute: .venv/ready  ## re-run notebooks in place; some of them: NOTEBOOKS="book/a.ipynb book/b.ipynb"
	@$(RUN) tools/execute.py $(NOTEBOOKS)

serve: book  ## read the built site at http://localhost:$(PORT)
	@$(RUN) -m http.server --bind 127.0.0.1 --directory $(SITE) $(PORT)

# JupyterLab refuses to run as root, as which one usually is in a container.
lab: .venv/lab  ## open the chapters in JupyterLab; with options: LAB_OPTIONS=--no-browser
	@$(RUN) -m jupyterlab $$(test "$$(id -u)" != 0 || echo --allow-root) $(LAB_OPTIONS) book

clean:  ## remove everything built, the environment too
	rm -rf _build build dist .proofs .venv icrl.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache

# What the book needs; what testing needs beyond it; and JupyterLab. pip says nothing while it works.
.venv/book: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	    { echo "Python 3.11 or newer is needed ($(PYTHON) is $$($(PYTHON) --version 2>&1)): make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	    { echo "$(PYTHON) lacks the venv module (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Setting up .venv with what the book needs: once, a minute or two, 0.6 GB on disk …"
	@test -x $(RUN) || $(PYTHON) -m venv .venv
	@$(PIP) -e '.[book]'
	@touch $@

.venv/ready: .venv/book
	@echo "Adding what the tests need, PyTorch too (README: how to get its CPU build): once, a minute or two, 1 GB more …"
	@$(PIP) -e '.[book,test]'
	@touch $@

.venv/lab: .venv/ready
	@echo "Adding JupyterLab: once …"
	@$(PIP) -e '.[book,test,lab]'
	@touch $@
