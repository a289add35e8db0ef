# realign-edge: two commands matter to a newcomer, `make demo` and `make test`.
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo
# Where the demo keeps its state, and one thread, so that it gives the same on every machine.
EDGE = REALIGN_EDGE_HOME=$(CURDIR)/$(DEMO)/home OMP_NUM_THREADS=1 $(BIN)/realign-edge
export HNSWLIB_NO_NATIVE = 1
export HF_HUB_OFFLINE = 1
export TRANSFORMERS_OFFLINE = 1
export TOKENIZERS_PARALLELISM = false

.PHONY: fuzz audit bundle prove-install prove-boot presets bench-bundle bench-dashboard bench-report bench-station bench-vision bench-batching bench-pairs bench-review bench-memory storm storm-watch storm-appliance storm-planted full-disk demo test check venv lint types contracts nano bench-objectives bench-alignment bench-cuda clean

demo: $(STAMP)  ## render a shop floor, align the embedded model to it, install its bundle, inspect 40 photos, report
	@mkdir -p $(DEMO)
	@$(BIN)/realign-edge demo $(DEMO)/floor --photos 480
	@$(EDGE) align $(DEMO)/floor --plain || [ $$? -eq 4 ]  # 4: it ran, and says why the result is not recommended
	@$(BIN)/realign-edge demo $(DEMO)/incoming --photos 40 --seed 1 --quiet
	@$(EDGE) bundle install $(DEMO)/home/runs/latest/bundle --trust $(DEMO)/home/keys/workstation.pub
	@$(EDGE) inspect $(DEMO)/incoming/photos
	@$(EDGE) report --out $(DEMO)/reports
	@$(EDGE) report latest --out $(DEMO)/reports

test: $(STAMP)  ## the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

check: lint types contracts test  ## what CI runs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

nano: $(STAMP)  ## train the embedded model anew (about an hour and a half on two cores)
	OMP_NUM_THREADS=1 $(BIN)/python -m realign_edge.nano.recipe --out models/nano

bench-objectives: $(STAMP)  ## every objective on the same pairs, five seeds (hours)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.objectives

bench-alignment: $(STAMP)  ## our training step against TRL and whole sequences
	$(BIN)/python -m benchmarks.alignment

bench-cuda: $(STAMP)  ## the shapes of LLaVA-1.5-7B and Qwen2.5-VL-7B on a CUDA GPU: steps, memory, a resume
	$(BIN)/python -m benchmarks.cuda

bench-pairs: $(STAMP)  ## building pairs against `generate`, one photo at a time (minutes)
	$(BIN)/python -m benchmarks.pairs --threads 1

bench-review: $(STAMP)  ## records filed under wrong photos: does the order of pair review find them? (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.review_queue

bench-dashboard: $(STAMP)  ## watching a run of a million events, and for a day (minutes)
	$(BIN)/python -m benchmarks.dashboard_feed
	$(BIN)/python -m benchmarks.dashboard_screen

bench-report: $(STAMP)  ## the reports of 10,000 verdicts in every form, and the page in a browser (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.report

bench-station: $(STAMP)  ## the station against torch, the unfused graph and onnxruntime-genai (minutes)
	$(BIN)/python -m benchmarks.station --threads 1

bench-vision: $(STAMP)  ## what a photo costs to see, against torch, and what each operator takes of it (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.vision

bench-batching: $(STAMP)  ## what a station would gain from several photos at once (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.batching

storm: $(STAMP)  ## twenty kills of `align`, the same bytes at the end (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.storm --photos 40

bench-bundle: $(STAMP)  ## 2,000 single bytes changed in a bundle: each is found before anything is loaded (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.tamper

storm-watch: $(STAMP)  ## 500 kills of `inspect --watch`: no verdict lost, none doubled (BUNDLE=... names a station bundle)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.watch_storm $(if $(BUNDLE),--bundle $(BUNDLE))

storm-appliance: $(STAMP)  ## 1,000 kills from index to restore: the same in the end (an hour; WORK=... goes on where it was)
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m benchmarks.appliance_storm $(if $(WORK),--work $(WORK))

storm-planted: $(STAMP)  ## mistakes planted in a copy of the product: does the kill storm notice each? (20 minutes; PLANT=NAME for one)
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m benchmarks.appliance_storm --plant $(or $(PLANT),all) $(if $(WORK),--work $(WORK))

full-disk: $(STAMP)  ## a disk that is full at ever later writes of every stage (an hour; mount namespaces)
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m benchmarks.full_disk

bench-memory: $(STAMP)  ## memory of a watching station over 100,000 photos (minutes; BUNDLE=... for a real inspector)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.watch_memory $(if $(BUNDLE),--bundle $(BUNDLE) --photos 5000)

fuzz: $(STAMP)  ## hunt with changed inputs through all that reads files from outside (SECONDS=600)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.campaign --seconds $(or $(SECONDS),60)

audit: $(STAMP)  ## pinned versions against known vulnerabilities (OSV=exported records, a folder or all.zip)
	$(BIN)/python -m deploy.audit $(if $(OSV),--osv $(OSV))

bundle: $(STAMP)  ## the offline bundle of a role, signed (ROLE=station or workstation, TORCH=folder or index of CUDA builds) into dist/
	$(BIN)/python -m deploy.make_bundle --role $(or $(ROLE),station) --out dist $(if $(TORCH),--torch $(TORCH))

prove-install: $(STAMP)  ## install the station's bundle without a network on a copy of this machine (root; after make demo)
	$(MAKE) bundle ROLE=station
	deploy/prove_install.sh dist/realign-edge-*-station-*.tar.gz dist/release.pub $(DEMO)/home/runs/latest/bundle \
		$(DEMO)/home/keys/workstation.pub $(DEMO)/incoming/photos $(or $(KILLS),5)

prove-boot: $(STAMP)  ## boot a Debian under systemd and run the services of a role in it (root; after make demo; SYSTEM=DIR, ENGINE=qemu)
	$(MAKE) bundle ROLE=$(or $(ROLE),station)
ifeq ($(ROLE),workstation)
	$(BIN)/realign-edge demo $(DEMO)/small --photos 60 --quiet
	deploy/prove_boot.sh dist/realign-edge-*-workstation-*.tar.gz dist/release.pub $(DEMO)/small
else
	$(BIN)/python -m deploy.make_bundle --role station --out dist/newer --key dist/release.key --epoch 1767312000
	deploy/prove_boot.sh dist/realign-edge-*-station-*.tar.gz dist/release.pub $(DEMO)/incoming/photos \
		$(DEMO)/home/runs/latest/bundle $(DEMO)/home/keys/workstation.pub dist/newer/realign-edge-*-station-*.tar.gz
endif

presets: $(STAMP)  ## derive the presets for GPUs of usual sizes, and the tables of docs/models.md
	$(BIN)/python -m benchmarks.presets

venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@sh deploy/preflight.sh "$(PYTHON)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV): a few minutes the first time"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[workstation,tui,bench,dev]"
	@touch $@

clean:
	rm -rf $(DEMO) $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
