# One word for every job; `make help` lists them. All of them set themselves up on a fresh machine.
.DEFAULT_GOAL := help
PY := .venv/bin/python
READY := .venv/ready

SCALE ?= full
DEMO_DATA := data/generated
SCALE_DATA := $(if $(filter demo,$(SCALE)),$(DEMO_DATA)/test_batch.bin)

DEMO := original20 preact20 plain20 constant_scaling20

TABLES := table1 table2 table3 table4 table5
FIGURES := figure1 figure3 figure6 degradation depth gate-bias-search
.PHONY: FORCE $(TABLES) $(FIGURES) help setup demo test test-pythons mutants lint plots summary diagrams report parameters \
	docs benchmark doctor cluster-demo clean torture fuzz imagenet-data feed figure2 figure4 figure5 watch queue notes departures

# What can be typed behind each target, as in: make cifar10-preact164 GPUS=0,1 SEED=3. Anything else is a mistake.
NETWORKS_TAKE := SCALE DATA GPUS CPUS SEED UNIT SHORTCUT_ARGS ACTIVATION_ARGS WIDTHS ITERATIONS EPOCHS BATCH LR IMAGE_SIZE OUTPUT \
	INITIAL FREEZE ARGS
TABLES_TAKE := SCALE SEED SEEDS GPUS DATA
setup.TAKES := PYTHON VARIANT DRY_RUN
queue.TAKES := DATA
compare.TAKES := RUN WHAT BY TITLE OUTPUT
notes.TAKES := UNITS EPOCHS OPTIMIZER BATCH DATA GPUS CPUS SEED OUTPUT ARGS
departures.TAKES := SCALE DATA GPUS SEED ARGS
summary.TAKES := SCALE
watch.TAKES := ARGS
propagation.TAKES := NETWORKS SEED DATA ARGS
lesion.TAKES := RUN DATA ARGS
responses.TAKES := RUN DATA ARGS
gates.TAKES := RUN DATA ARGS
score.TAKES := RUN CROP DATA GPUS ARGS
predict.TAKES := RUN PHOTO DATA GPUS OUTPUT ARGS
export.TAKES := RUN FORMAT DATA OUTPUT ARGS
feed.TAKES := DATA ARGS
benchmark.TAKES := PEER NETWORKS ARGS
imagenet-data.TAKES := SOURCE DATA ARGS
takes = $(if $(filter $(TABLES) $(FIGURES),$(1)),$(TABLES_TAKE),$(or $($(1).TAKES),\
	$(if $(filter cifar10-% cifar100-% pictures-% imagenet-%,$(1)),$(NETWORKS_TAKE))))
TAKEN := $(sort PY $(foreach goal,$(MAKECMDGOALS),$(call takes,$(goal))))
TYPED := $(sort $(foreach word,$(MAKEOVERRIDES),$(firstword $(subst =, ,$(word)))))
# of the parts of a value with spaces none is a variable of the command line
UNKNOWN := $(firstword $(foreach word,$(filter-out $(TAKEN),$(TYPED)),$(if $(filter command,$(origin $(word))),$(word))))
nearest = $(shell python3 -c "import difflib, sys; print(*difflib.get_close_matches(sys.argv[1], sys.argv[2:], 1, 0.4))" $(1) 2>&-)
hint = $(if $(1),; did you mean $(1)=?,.)
$(if $(UNKNOWN),$(error make $(or $(firstword $(MAKECMDGOALS)),help) takes no $(UNKNOWN)=$(call \
	hint,$(call nearest,$(UNKNOWN) $(filter-out PY,$(TAKEN)))) It takes $(or $(filter-out PY,$(TAKEN)),nothing)))

# Each word reaches the shell in quotes, as it was typed: $(call option,--data-dir,DATA)
quote = '$(subst ','\'',$(1))'
option = $(if $(strip $($(2))),$(1) $(call quote,$($(2))))
OPTIONS = --scale $(call quote,$(SCALE)) $(call option,--data-dir,DATA) $(call option,--gpus,GPUS) $(call option,--cpus,CPUS) \
	$(call option,--seed,SEED) $(call option,--unit,UNIT) $(call option,--shortcut-args,SHORTCUT_ARGS) \
	$(call option,--activation-args,ACTIVATION_ARGS) $(call option,--widths,WIDTHS) \
	$(call option,--iterations,ITERATIONS) $(call option,--epochs,EPOCHS) $(call option,--batch-size,BATCH) \
	$(call option,--learning-rate,LR) $(call option,--image-size,IMAGE_SIZE) $(call option,--output,OUTPUT) \
	$(call option,--initial,INITIAL) $(call option,--freeze,FREEZE) $(ARGS)

# A user's settings for other Pythons, or another NumPy, do not reach this one.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONSTARTUP PIP_TARGET PIP_PREFIX
export PYTHONNOUSERSITE := 1
export PIP_USER := 0

help:  ## list the jobs
	@echo "make cifar10-NETWORK, cifar100-NETWORK, imagenet-NETWORK: train; the same again resumes. NETWORK is [activation-][shortcut]depth:"
	@echo "make pictures-NETWORK DATA=folder: the same on your own pictures, in class folders or in CIFAR's layout"
	@echo "    activations: $(notdir $(basename $(filter-out %/__init__.py,$(wildcard symbols/activations/*.py))))"
	@echo "    shortcuts:   $(notdir $(basename $(filter-out %/__init__.py,$(wildcard symbols/shortcuts/*.py))))"
	@echo "    for example: preact1001, exclusive_gating110, preact-constant_scaling110, 56 (original, identity)"
	@echo "    and, behind it: SCALE=full|desk|pocket|demo GPUS=0,1 CPUS=2 SEED=3 DATA=folder OUTPUT=folder ITERATIONS=6400"
	@echo "                    EPOCHS=10 BATCH=64 LR=0.05 IMAGE_SIZE=16 UNIT=basic|bottleneck|one_layer SHORTCUT_ARGS=bias=-7"
	@echo "                    ACTIVATION_ARGS=beta=2 WIDTHS=32,64,128 INITIAL=runs/... FREEZE=all ARGS='any option of train_cifar.py'"
	@echo "make table1 ... table5, figure1, figure3, figure6, degradation, depth, gate-bias-search: train what is missing, then draw"
	@echo "    (SCALE=full|desk|pocket|demo SEEDS=0,1,2 -j2)"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## make .venv with everything that is needed (done by every other job too)

# PYTHON=3.12 and VARIANT=cpu|cu112, on make's command line, overrule what requirements/install.sh chooses; DRY_RUN=1 only says it
said = $(if $(filter command,$(origin $(1))),$($(1)))
# an upgrade of the system may have taken away the Python that .venv stands on
gone := $(shell test -x .venv/bin/python || echo FORCE)
$(READY): requirements/install.sh common/gpus.py $(wildcard requirements/*.txt) \
		$(if $(call said,PYTHON)$(call said,VARIANT)$(call said,DRY_RUN),FORCE,$(gone))
	$(if $(and $(call said,DRY_RUN),$(filter-out setup,$(MAKECMDGOALS))),$(error DRY_RUN=1 is for make setup alone))
	@PYTHON=$(call quote,$(call said,PYTHON)) VARIANT=$(call quote,$(call said,VARIANT)) \
		DRY_RUN=$(call quote,$(call said,DRY_RUN)) sh requirements/install.sh

demo: $(READY) $(DEMO_DATA)/test_batch.bin  ## everything once, small: four networks on generated pictures, in minutes
	@for network in $(DEMO); do \
		$(MAKE) --no-print-directory cifar10-$$network SCALE=demo || exit; done
	@$(PY) -m plots.compare $(foreach network,$(DEMO),runs/demo/cifar10-$(network)/seed0) \
		--output plots/figures/demo.png --title "Four ways to join 20 layers"
	@echo "Open plots/figures/demo.png. Next: make cifar10-preact20 (CIFAR-10, the paper's recipe), or make help."

cluster-demo: $(READY) $(DEMO_DATA)/test_batch.bin  ## one network trained by two workers through MXNet's parameter server, here
	@$(PY) -W ignore -m training.cluster --workers 2 -- train_cifar.py 20 --kv-store dist_sync \
		--scale demo --output runs/demo/cluster/seed0

$(DEMO_DATA)/test_batch.bin: data/generated.py | $(READY)
	@$(PY) -m data.generated $(DEMO_DATA)

# FORCE: a folder or file that is called like a network changes nothing
cifar10-%: $(READY) $(SCALE_DATA) FORCE
	@exec $(PY) -W ignore train_cifar.py $(call quote,$*) --dataset cifar10 $(OPTIONS)

cifar100-%: $(READY) $(SCALE_DATA) FORCE
	@exec $(PY) -W ignore train_cifar.py $(call quote,$*) --dataset cifar100 $(OPTIONS)

pictures-%: $(READY) FORCE
	@exec $(PY) -W ignore train_cifar.py $(call quote,$*) --dataset pictures $(OPTIONS)

notes: $(READY)  ## the reading notes' own network and recipe, with their two pictures (UNITS=12 EPOCHS=10 OPTIMIZER=nag|adam)
	@exec $(PY) -W ignore train_notes.py $(call option,--units,UNITS) $(call option,--epochs,EPOCHS) \
		$(call option,--optimizer,OPTIMIZER) $(call option,--batch-size,BATCH) $(call option,--data-dir,DATA) \
		$(call option,--gpus,GPUS) $(call option,--cpus,CPUS) $(call option,--seed,SEED) $(call option,--output,OUTPUT) $(ARGS)

departures: $(READY) $(SCALE_DATA)  ## what each departure of the notes costs: preact20, and with each alone (SCALE=pocket ARGS=stride)
	@exec $(PY) -W ignore -m analysis.departures --scale $(call quote,$(SCALE)) $(call option,--data-dir,DATA) \
		$(call option,--gpus,GPUS) $(call option,--seed,SEED) $(ARGS)

# SOURCE: ImageNet's folder, or any that holds class folders; DATA: where the prepared set goes, and where imagenet-NETWORK looks
imagenet-data: $(READY)  ## SOURCE=folder: prepare ImageNet, or a set of your own, for make imagenet-NETWORK
	@$(PY) -W ignore -m data.prepare $(call quote,$(SOURCE)) $(call option,--output,DATA) $(ARGS)

imagenet-%: $(READY) FORCE
	@exec $(PY) -W ignore train_imagenet.py $(call quote,$*) $(OPTIONS)

# make -j3 table1 trains three networks at once, each on its share of the cores: the driver sees to that, not make
.NOTPARALLEL:
JOBS = $(patsubst -j%,%,$(filter -j%,$(MAKEFLAGS)))
# table1 ... table5: the paper's tables; figure1, figure3, figure6: its figures; degradation: 1512.03385, Figure 6; depth: error against depth
$(TABLES) $(FIGURES): $(READY) $(SCALE_DATA)
	@$(PY) -W ignore reproduce.py $@ --scale $(call quote,$(SCALE)) $(if $(JOBS),--jobs $(JOBS)) \
		$(or $(call option,--seeds,SEEDS),$(call option,--seeds,SEED)) $(call option,--gpus,GPUS) $(call option,--data-dir,DATA)

queue: $(READY)  ## train the published runs that are missing, at low priority (-j2 DATA=folder)
	@OMP_NUM_THREADS=1 $(PY) -W ignore reproduce.py queue $(if $(JOBS),--jobs $(JOBS)) $(call option,--data-dir,DATA)

test: $(READY)  ## the whole test suite
	@$(PY) -m pytest -q tests

test-pythons:  ## set up, train and draw with each Python from 3.8 to 3.13 that is on this machine
	@sh tests/pythons.sh

torture: $(READY)  ## kill runs 50 times, cut their checkpoints, fill their disk; each must end as if nothing had happened
	@$(PY) -W ignore tests/torture.py

fuzz: $(READY)  ## damage what a run reads (pictures, checkpoint, config.json, log) 10,000 times each
	@FUZZ_CASES=10000 $(PY) -m pytest -q -s tests/scripts/test_fuzz.py

mutants: $(READY)  ## break the project in known ways and see that the tests notice each
	@$(PY) tests/mutants.py

lint: $(READY)  ## ruff's checks and its formatter
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check -q .

plots: $(READY)  ## draw everything that can be drawn from the logs under results/; train nothing
	@$(PY) -m plots

summary: $(READY)  ## the order of Tables 1 and 2, ours beside the paper's, from the logs that there are (SCALE=pocket)
	@$(PY) -m plots summary --scale $(call quote,$(SCALE))

report: $(READY) plots  ## plots/report.html: one page with everything, which needs no network
	@$(PY) -m plots.report

diagrams: $(READY)  ## draw the units of Figures 1, 2, 4 and 5, and those of your own, from their graphs
	@$(PY) -W ignore -m plots.diagrams

figure2 figure4 figure5: $(READY)  # the paper's diagrams, which need no run
	@$(PY) -W ignore -m plots.diagrams $@

watch: $(READY)  ## plots/watch.html: the curves of all runs that are training, with what is left, until Ctrl-C
	@$(PY) -m plots.watch $(ARGS)

.PHONY: propagation lesion responses gates score predict export compare
# Each measures, prints the files that it wrote, and has them drawn. RUN= names folders of trained runs, but for the first.
measure = @paths=$$($(PY) -W ignore -m analysis.$@ $(1) $(call option,--data-dir,DATA) $(ARGS)) && \
	$(PY) -m plots.$@ $$paths
trained = $(if $(call said,RUN),,$(error make $@ needs the folders of trained runs: RUN="results/... results/..."))
compare: $(READY)  ## several runs in one picture (RUN="a b" WHAT=error|loss|accuracy BY=iteration|epoch TITLE=words OUTPUT=)
	$(trained)@$(PY) -m plots.compare $(foreach run,$(RUN),$(call quote,$(run))) $(call option,--what,WHAT) \
		$(call option,--by,BY) $(call option,--title,TITLE) $(call option,--output,OUTPUT)

propagation: $(READY)  ## how signals travel (equations 3 to 8): all variants, 110 and 1001 layers (NETWORKS="preact56 results/...")
	$(call measure,$(NETWORKS) $(call option,--seed,SEED))

lesion: $(READY)  ## delete and swap units of trained networks (RUN="results/... results/..." DATA=folder)
	$(trained)$(call measure,$(call said,RUN))

responses: $(READY)  ## responses of the 3x3 layers of trained networks (RUN= DATA=)
	$(trained)$(call measure,$(call said,RUN))

gates: $(READY)  ## factors 1 - g(x) on the shortcuts of trained networks with gates (RUN= DATA=)
	$(trained)$(call measure,$(call said,RUN))

score: $(READY)  ## test a trained network (RUN=runs/... DATA=folder; ImageNet: CROP=224,320,ten)
	$(trained)@$(PY) -W ignore score.py $(call quote,$(RUN)) $(call option,--crop,CROP) $(call option,--data-dir,DATA) \
		$(call option,--gpus,GPUS) $(ARGS)

predict: $(READY)  ## classes of photographs by a trained network (RUN=runs/... PHOTO="a.jpg folder")
	$(trained)$(if $(call said,PHOTO),,$(error make predict needs pictures: PHOTO="a.jpg folder"))@$(PY) -W ignore score.py \
		$(call quote,$(RUN)) $(call option,--data-dir,DATA) $(call option,--gpus,GPUS) $(call option,--output,OUTPUT) \
		$(call option,--predict,PHOTO) $(ARGS)

export: $(READY)  ## a trained network in MXNet's own files, or as ONNX (RUN=runs/... FORMAT=onnx)
	$(trained)@$(PY) -W ignore score.py $(call quote,$(RUN)) --export $(call quote,$(or $(call said,FORMAT),mxnet)) \
		$(call option,--data-dir,DATA) $(call option,--output,OUTPUT) $(ARGS)

parameters: $(READY)  ## parameters and multiply-adds of the papers' networks
	@$(PY) -W ignore -m symbols.counts

docs: $(READY)  ## compute the tables and captions of the documents, and draw their figures
	@$(PY) -W ignore -m publish

benchmark: $(READY)  ## speed beside the bare Module step, PyTorch's (PEER=python-with-torch) or the original unit's (NETWORKS=all)
	$(if $(and $(PEER),$(NETWORKS)),$(error PEER= and NETWORKS= are two benchmarks: name one))@$(PY) -W ignore \
		-m benchmarks.$(or $(if $(PEER),peer $(call quote,$(PEER))),$(if $(NETWORKS),variants $(NETWORKS)),loop) $(ARGS)

feed: $(READY)  ## how fast each core prepares and feeds ImageNet's pictures, beside Pillow in processes (DATA=)
	@$(PY) -W ignore -m benchmarks.feed $(call option,--data-dir,DATA) $(ARGS)

doctor: $(READY)  ## what this machine has, whether MXNet trains on it, and how long the paper's networks take here
	@$(PY) -W ignore -m benchmarks.doctor

clean:  ## remove what make made, except data and results
	rm -rf .venv .pytest_cache .ruff_cache
