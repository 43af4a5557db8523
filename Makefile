# make demo                  compress and decompress a photograph with the shipped weights
# make demo IMAGE=photo.jpg  the same with one of your own
# make test                  lint, types, fast tests; needs the training half as well
# make test-slow             what takes longer: kills, thousands of damaged files, every quality
# make test-long             what takes longer still: every variant of the ablations, a hundred kills
# make test-web              the browser's package and page; needs Node 20 and make test's environment
# make test-browser          the same in Chromium, which it installs where there is none (Debian's, by apt-get)
# make test-oldest           the codec's tests with the oldest dependencies that pyproject.toml allows
# make clean; make TORCH=torch test    with the newest PyTorch instead of the one that we develop with
# make docs                  the documentation site, in site/index.html
# make bench                 times and memory of skosh and the other codecs on this machine
# make fuzz                  hostile files for an hour; SECONDS=600 for ten minutes
# make SHARED=/path results  measure again what docs/results.md shows

TORCH  ?= torch==2.13.0
PYTHON ?= python3
SHARED ?= $(or $(SKOSH_SHARED),../shared)
IMAGE  ?=
SECONDS ?= 3600
BIN    := .venv/bin
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo)

export SKOSH_SHARED := $(SHARED)

.PHONY: demo test test-slow test-long test-oldest test-web test-browser docs lint format bench results golden fuzz clean

demo: .venv/.demo
	$(BIN)/python scripts/demo.py $(if $(IMAGE),"$(IMAGE)")

test: lint
	$(BIN)/pytest

test-slow: .venv/.dev
	$(BIN)/pytest -m 'slow and not long'

test-long: .venv/.dev
	$(BIN)/pytest -m long

test-oldest: .venv-oldest/.done
	.venv-oldest/bin/python -m pytest $(addprefix tests/,picture entropy container bundle codec batch cli asgi behaviour)

test-web: .venv/.dev web/node_modules/.package-lock.json
	cd web && npm test && npm run build:demo

test-browser: .venv/.dev web/node_modules/.package-lock.json
	command -v chromium > /dev/null || { $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -y -qq chromium; }
	cd web && npm run test:browser

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci

# A warning is an error. The demonstration is taken along where it was built (web/demo).
docs: .venv-docs/.done build/gallery/gallery.md
	.venv-docs/bin/python scripts/site_pages.py
	.venv-docs/bin/zensical build --clean --strict --config-file mkdocs.yml
	test ! -d web/demo/dist || { rm -rf site/demo && cp -r web/demo/dist site/demo; }
	.venv-docs/bin/python scripts/links.py site

build/gallery/gallery.md: scripts/gallery.py src/skosh/models/skosh/manifest.json | .venv-docs/.done
	rm -rf build/gallery
	.venv-docs/bin/python scripts/gallery.py

lint: .venv/.dev
	$(BIN)/ruff check src tests scripts benchmarks fuzz
	$(BIN)/ruff format --check src tests scripts benchmarks fuzz
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev
	$(BIN)/ruff check --fix src tests scripts benchmarks fuzz
	$(BIN)/ruff format src tests scripts benchmarks fuzz

bench: .venv/.dev
	$(BIN)/python benchmarks/speed.py

results: .venv/.dev
	$(BIN)/python benchmarks/quality.py --write
	$(BIN)/python scripts/triplets.py
	$(BIN)/python benchmarks/quality.py --data $(SHARED)/data/val --name val --codecs skosh skosh@realism=0 avif heic webp jpeg --write
	$(BIN)/python benchmarks/renditions.py --write
	$(BIN)/python benchmarks/exactness.py --write
	$(BIN)/python benchmarks/effort.py --write
	$(BIN)/python benchmarks/judges.py --write
	$(BIN)/python benchmarks/monotone.py --write
	$(BIN)/python benchmarks/latency.py --write
	$(BIN)/python benchmarks/speed.py --write
	$(BIN)/python benchmarks/memory.py --write

# Files that depend on the shipped weights, made anew: on purpose, after new weights, and named in CHANGELOG.md.
golden: .venv/.dev
	$(BIN)/python scripts/golden.py
	$(BIN)/python tests/attacks/craft.py
	$(BIN)/python fuzz/seeds.py
	$(BIN)/python scripts/vectors.py
	$(BIN)/python scripts/format_tables.py --write

# In runs of five minutes, because atheris loses memory; what they find lies in fuzz/found.
fuzz: .venv/.dev
	$(BIN)/pip install --quiet --editable '.[fuzz]'
	mkdir -p fuzz/found fuzz/work
	for start in $$(seq 1 300 $(SECONDS)); do \
	    left=$$(($(SECONDS) - start + 1)); [ $$left -gt 300 ] && left=300; \
	    $(BIN)/python fuzz/fuzz_decode.py -max_total_time=$$left -max_len=8000 -timeout=20 -rss_limit_mb=6000 \
	        -print_final_stats=1 -artifact_prefix=fuzz/found/ fuzz/work fuzz/corpus || exit 1; \
	done

clean:
	rm -rf .venv .venv-oldest .venv-docs site build dist demo-out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache fuzz/work

.venv/.demo: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable . 'scikit-learn>=1.5'
	touch $@

# PyTorch first and by itself: a plain "torch" among other requirements may bring gigabytes of CUDA.
.venv/.dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet '$(TORCH)'
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

# Without PyTorch: mkdocstrings reads the code and does not run it, and the gallery needs the codec alone.
.venv-docs/.done: pyproject.toml
	test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --editable '.[docs]'
	touch $@

# click by its oldest minor version that the tests can take apart; newer ones warn of what this typer imports.
.venv-oldest/.done: pyproject.toml scripts/oldest.py
	test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	$(PYTHON) scripts/oldest.py > .venv-oldest/oldest.txt
	.venv-oldest/bin/pip install --quiet --requirement .venv-oldest/oldest.txt --editable . 'click==8.2.*' pytest hypothesis 'scikit-image>=0.25' 'scikit-learn>=1.5' 'uvicorn==0.30.*'
	touch $@
