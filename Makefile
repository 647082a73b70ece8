# What a person runs; docs/contributing.rst says what each command does. Every target sets up what it
# needs in .venv, and is quiet when it is there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Errors are shown, and nothing else.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
# Compiles what tensor libraries write in half the time; it stands in for g++ alone.
QUICKLY := if command -v g++ >/dev/null 2>&1; then export PATH="$(CURDIR)/tests/compiler:$$PATH" \
	LASAGNE_NL_HEADERS="$(CURDIR)/$(VENV)/headers"; fi;
# What the cells of tox are given. One wheel: they would be in each other's way if each built one in the
# checkout; and without what setuptools left in build.
FOR_CELLS = set -e; rm -rf build $(VENV)/wheel; $(QUICKLY) \
	$(BIN)/python -m pip wheel -qq --disable-pip-version-check --no-deps --wheel-dir $(VENV)/wheel .; \
	export LASAGNE_NL_WHEEL="$$(echo "$(CURDIR)"/$(VENV)/wheel/*.whl)"; \
	$(ALL_PYTHONS)
# The interpreters of pyenv, unless some are chosen.
ALL_PYTHONS = export PYENV_VERSION="$${PYENV_VERSION-$$(pyenv versions --bare 2>/dev/null | tr '\n' ':')}";
PROCESSES := -n auto --maxprocesses 4

.PHONY: demo test lint docs overview accuracy peers safety lasagne sanitize bench linkers check test-all test-new lines package clean
.DEFAULT_GOAL := test

demo: $(VENV)/.examples
	@$(BIN)/python docs/examples/digits.py $(DEMO_OPTIONS)

test: $(VENV)/.test $(VENV)/.examples
	@$(QUICKLY) $(BIN)/python -m pytest $(PROCESSES) $(TEST_OPTIONS)

lint: $(VENV)/.lint
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

docs: $(VENV)/.docs
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@! grep -rlE '<(script|link|img|iframe)[^>]* (src|href)="(https?:)?//' docs/_build/html --include='*.html' || \
		{ echo "these pages fetch something from the network" >&2; exit 1; }
	@echo "docs/_build/html/index.html"

overview: $(VENV)/.docs
	@$(BIN)/python docs/gallery.py docs/overview.svg

accuracy: $(VENV)/.test $(VENV)/.examples
	@$(BIN)/python tests/accuracy/largest_errors.py $(ACCURACY_OPTIONS)

peers: $(VENV)/.test $(VENV)/.examples
	@$(BIN)/python tests/accuracy/peers.py $(PEERS_OPTIONS)

safety: $(VENV)/.test $(VENV)/.examples
	@$(ALL_PYTHONS) $(BIN)/python tests/safety/own_tests.py $(SAFETY_OPTIONS)

lasagne: $(VENV)/.test $(VENV)/.examples
	@$(BIN)/python tests/safety/lasagnes_own_tests.py

# Each module that the tests compile is built with them, in a folder of its own. No comma: Theano takes
# what follows one for another flag of its own. Integers may overflow: those of Theano's own code for
# rows do, where a stride is negative.
sanitize: $(VENV)/.test
	@LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libubsan.so)" \
		ASAN_OPTIONS=detect_leaks=0 \
		THEANO_FLAGS="base_compiledir=$(CURDIR)/$(VENV)/sanitized,gcc.cxxflags=-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=undefined -fno-sanitize=signed-integer-overflow" \
		$(BIN)/python -m pytest tests/test_simd.py -k "layout or length or place or operands or hidden" \
		$(SANITIZE_OPTIONS)

bench: $(VENV)/.test $(VENV)/.examples
	@$(ALL_PYTHONS) $(BIN)/python tests/benchmarks/speed.py $(BENCH_OPTIONS)

linkers: $(VENV)/.test
	@$(ALL_PYTHONS) $(BIN)/python tests/benchmarks/libraries.py tests/accuracy/linkers.py $(LINKERS_OPTIONS)

check: $(VENV)/.examples
	@$(BIN)/python -m lasagne_nl

test-all: $(VENV)/.tox
	@$(FOR_CELLS) $(BIN)/python -m tox --parallel auto --recreate $(TEST_ALL_OPTIONS)

test-new: $(VENV)/.tox
	@$(FOR_CELLS) export PATH="$$PATH:$(CURDIR)/$(BIN)"; \
		for minor in 14 13 12 11 10 9 8 7; do python3.$$minor -c "" 2>/dev/null && break; done; \
		[ $$minor -ge 12 ] && libraries=bayesian || libraries=pytensor; \
		$(BIN)/python -m tox run --recreate -e py3$$minor-$$libraries -- $(PROCESSES) "$(CURDIR)/tests"

lines:
	@count() { printf "%6d  %s\n" "$$(git ls-files "$$2" | xargs cat | wc -l)" "$$1"; }; \
		count package lasagne_nl; count "of that, simd" lasagne_nl/simd; count tests tests; \
		count "tools of the documentation" ":(glob)docs/*.py"

package: $(VENV)/.package
	@$(BIN)/python tests/package.py $(PACKAGE_OPTIONS)

clean:
	@rm -rf $(VENV) build dist *.egg-info docs/_build docs/_pictures docs/_tables docs/generated \
		docs/examples/output .tox .pytest_cache .hypothesis .ruff_cache

# A stamp for each set of dependencies; setup.py says what they are.
$(VENV)/.test $(VENV)/.examples $(VENV)/.docs: $(VENV)/.%: setup.py lasagne_nl/__init__.py | $(VENV)/.created
	@echo "installing lasagne_nl[$*] into $(VENV)"
	@$(PIP) --editable ".[$*]"
	@touch $@

$(VENV)/.lint: PACKAGES := "ruff<1"
$(VENV)/.package: PACKAGES := build twine
# virtualenv 20.26 is the last that makes environments of Python 3.7.
$(VENV)/.tox: PACKAGES := "tox>=4.21" "virtualenv<20.27"
$(VENV)/.lint $(VENV)/.package $(VENV)/.tox: | $(VENV)/.created
	@echo 'installing $(PACKAGES) into $(VENV)'
	@$(PIP) $(PACKAGES)
	@touch $@

$(VENV)/.created:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || \
		{ echo "lasagne_nl needs Python 3.7 to 3.14: install python3 (or set PYTHON)" >&2; exit 1; }
	@"$(PYTHON)" -c "import sys; sys.exit(not (3, 7) <= sys.version_info[:2] <= (3, 14))" || \
		{ echo "lasagne_nl needs Python 3.7 to 3.14: install one and set PYTHON to it" >&2; exit 1; }
	@"$(PYTHON)" -c "import ensurepip, venv" >/dev/null 2>&1 || \
		{ echo "lasagne_nl needs venv: install it (on Debian: python3-venv)" >&2; exit 1; }
	@# Theano compiles with a C++ compiler. On Python 3.12 and later it is PyTensor, which needs none.
	@"$(PYTHON)" -c "import sys; sys.exit(sys.version_info < (3, 12))" || \
		command -v g++ >/dev/null 2>&1 || command -v clang++ >/dev/null 2>&1 || \
		{ echo "lasagne_nl needs a C++ compiler: install g++" >&2; exit 1; }
	@"$(PYTHON)" -c "import os, sys, sysconfig as s; h = s.get_paths()['include']; \
		sys.exit(sys.version_info < (3, 12) and not os.path.exists(os.path.join(h, 'Python.h')))" || \
		{ echo "lasagne_nl needs the headers of Python: install them (on Debian: python3-dev)" >&2; exit 1; }
	@echo "creating $(VENV)"
	@"$(PYTHON)" -m venv --clear $(VENV)
	@# Older ones, as of Debian 11 and Ubuntu 20.04, do not get on with the setuptools of today.
	@$(PIP) "pip>=21.3"
	@touch $@
