# Every target makes the environment it needs. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NARRAFRAME := $(BIN)/narraframe
STAMP := $(VENV)/.installed
LOCK := requirements.lock
PEERS := .venv-peers
LABELSTUDIO := .venv-labelstudio
SETFIT := .venv-setfit
# where the labelled sets lie that experiments and benchmarks read
export NARRAFRAME_DATA ?= $(abspath ../shared/data)

POSTS ?= data/posts.parquet
MODEL ?= models:/sample@champion
EXPERIMENT ?= experiments/sample.toml
A ?= models:/$(NAME)@champion
B ?= models:/$(NAME)@challenger
THEMES ?= data/themes
QUEUE ?= data/queue.csv
N ?= 200
SCORES ?= data/scores.parquet
REPORT ?= reports/report.html
PORT ?= 5000
LABELSTUDIO_PORT ?= 8080
STORE ?= models/store

.DEFAULT_GOAL := help
.PHONY: help install demo test check format ingest themes labels queue push pull agreement adjudicate train experiments evaluate compare promote rollback score prevalence report labelstudio labelstudio-stop mlflow bench bench-themes bench-refits bench-queue bench-classify bench-evidence bench-doubtful bench-score bench-prevalence bench-drift bench-report clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv from the pinned versions

$(STAMP): $(LOCK) pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## run the whole way on the bundled sample, in demo/
	$(NARRAFRAME) demo demo --force

test: $(STAMP) $(VENV)/.spark $(LABELSTUDIO)/.installed ## run the tests, some against real servers
	$(BIN)/python -m pytest

$(VENV)/.spark: spark.lock $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r spark.lock
	@touch $@

check: $(STAMP) ## lint, format, types, layers, generated files, README
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/project

format: $(STAMP) ## mend format and what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ingest: $(STAMP) ## read EXPORT=result.json into POSTS
	$(NARRAFRAME) ingest $(EXPORT) -o $(POSTS) --force

themes: $(STAMP) ## find the themes of POSTS, into THEMES
	$(NARRAFRAME) themes $(POSTS) -o $(THEMES) --force

labels: $(STAMP) ## check the codebook, its labelling page and the annotations
	$(NARRAFRAME) codebook check
	$(NARRAFRAME) codebook config --check

queue: $(STAMP) ## choose N posts of POSTS to label next, into QUEUE
	$(NARRAFRAME) queue $(POSTS) -o $(QUEUE) -n $(N) --force

push: $(STAMP) ## send QUEUE to Label Studio, pre-annotated
	$(NARRAFRAME) push $(POSTS) --queue $(QUEUE)

pull: $(STAMP) ## bring what was labelled into labels/annotations
	$(NARRAFRAME) pull

agreement: $(STAMP) ## measure how far the annotators agree
	$(NARRAFRAME) agreement

adjudicate: $(STAMP) ## send disagreements back to Label Studio
	$(NARRAFRAME) adjudicate $(POSTS)

train: $(STAMP) ## train on EXPERIMENT, register the challenger
	$(NARRAFRAME) train --experiment $(EXPERIMENT)

experiments: $(STAMP) ## train every experiment, one after the other
	@set -e; for each in experiments/*.toml; do $(NARRAFRAME) train --experiment $$each; done

evaluate: $(STAMP) ## measure MODEL on LABELLED=posts.jsonl
	$(NARRAFRAME) evaluate --model $(MODEL) --labelled $(LABELLED)

compare: $(STAMP) ## tell whether run B is better than run A, by default NAME's challenger and champion
	$(NARRAFRAME) compare $(A) $(B)

promote: $(STAMP) ## make the challenger of NAME=... the champion; FORCE=1: even if not better
	$(NARRAFRAME) promote $(NAME) $(if $(FORCE),--force)

rollback: $(STAMP) ## bring the champion of NAME=... before this one back
	$(NARRAFRAME) rollback $(NAME)

score: $(STAMP) ## score POSTS with MODEL, into SCORES
	$(NARRAFRAME) score $(POSTS) -o $(SCORES) --model $(MODEL) --force

prevalence: $(STAMP) ## estimate how much of POSTS carries each label, by SCORES and the audit
	$(NARRAFRAME) prevalence $(POSTS) --scores $(SCORES) --by month --by channel

report: $(STAMP) ## write REPORT from POSTS, THEMES and SCORES
	$(NARRAFRAME) report $(POSTS) --themes $(THEMES) --scores $(SCORES) -o $(REPORT) --force

labelstudio: $(STAMP) $(LABELSTUDIO)/.installed ## start Label Studio on LABELSTUDIO_PORT
	$(NARRAFRAME) labelstudio start --port $(LABELSTUDIO_PORT)

labelstudio-stop: $(STAMP) ## stop it
	$(NARRAFRAME) labelstudio stop

$(LABELSTUDIO)/.installed: labelstudio.lock
	$(PYTHON) -m venv $(LABELSTUDIO)
	$(LABELSTUDIO)/bin/python -m pip install --quiet --disable-pip-version-check -r labelstudio.lock
	@touch $@

mlflow: $(STAMP) ## open MLflow's pages on PORT, lightly
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true $(BIN)/mlflow ui \
		--backend-store-uri sqlite:///$(abspath $(STORE))/mlflow.db --host 127.0.0.1 --port $(PORT) --workers 1

bench: $(STAMP) ## measure near-duplicates, embedding and themes as the posts grow
	$(BIN)/python experiments/benchmarks/growth.py
	$(BIN)/python experiments/benchmarks/theme_growth.py

bench-themes: $(STAMP) $(PEERS)/.installed ## measure themes beside BERTopic, EVoC and Toponymy
	$(BIN)/python experiments/benchmarks/themes.py

bench-refits: $(STAMP) ## measure whether themes keep their numbers over a year of monthly refits
	$(BIN)/python experiments/benchmarks/refits.py

bench-queue: $(STAMP) ## measure what the queue saves beside labelling in random order
	OMP_NUM_THREADS=1 $(BIN)/python experiments/benchmarks/label_queue.py

bench-classify: $(STAMP) $(SETFIT)/.installed ## measure the classifier beside SetFit (hours; can be broken off)
	OMP_NUM_THREADS=1 $(BIN)/python experiments/benchmarks/classify.py

bench-evidence: $(STAMP) ## measure whether evidence carries the decisions
	OMP_NUM_THREADS=1 $(BIN)/python experiments/benchmarks/evidence.py

bench-doubtful: $(STAMP) ## measure how many spoilt labels are found; CLEANLAB=PYTHON: beside cleanlab
	OMP_NUM_THREADS=1 $(BIN)/python experiments/benchmarks/doubtful.py $(if $(CLEANLAB),--cleanlab $(CLEANLAB))

bench-score: $(STAMP) ## measure the encoder, scoring end to end, kills, and Ray
	$(BIN)/python experiments/benchmarks/encoder.py
	$(BIN)/python experiments/benchmarks/score.py
	$(BIN)/python experiments/benchmarks/cluster.py

bench-prevalence: $(STAMP) ## measure whether the intervals of shares hold
	OMP_NUM_THREADS=1 $(BIN)/python experiments/benchmarks/prevalence.py

bench-drift: $(STAMP) ## measure which test finds foreign posts among the usual
	OMP_NUM_THREADS=1 $(BIN)/python experiments/benchmarks/drift.py

bench-report: $(STAMP) ## measure the report page and its map in a browser
	$(BIN)/python experiments/benchmarks/report.py

$(SETFIT)/.installed: experiments/benchmarks/peers-setfit.txt
	$(PYTHON) -m venv $(SETFIT)
	$(SETFIT)/bin/python -m pip install --quiet --disable-pip-version-check -r experiments/benchmarks/peers-setfit.txt
	@touch $@

$(PEERS)/.installed: experiments/benchmarks/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r experiments/benchmarks/peers.txt
	@touch $@

clean: ## remove what was built and computed (not .labelstudio/)
	rm -rf $(VENV) $(PEERS) $(SETFIT) $(LABELSTUDIO) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
