# `make help` lists the targets. Each target sets up .venv first, if necessary.
.DEFAULT_GOAL := help
# Built-in rules would make cifar10- from cifar10-.o.
MAKEFLAGS += -r
PY := .venv/bin/python
READY := .venv/ready

SCALE ?= full
DEMO_DATA := data/generated
SCALE_DATA := $(if $(filter demo,$(SCALE)),$(DEMO_DATA)/test_batch.bin)

DEMO := original20 preact20 plain20 constant_scaling20

TABLES := table1 table2 table3 table4 table5
FIGURES := figure1 figure3 figure6 degradation depth gate-bias-search
TARGETS := FORCE $(TABLES) $(FIGURES) help setup demo test test-pythons mutants lint plots summary diagrams report parameters \
	docs benchmark doctor cluster-demo clean torture fuzz imagenet-data feed figure2 figure4 figure5 watch notes departures \
	propagation lesion responses gates score predict export compare
.PHONY: $(TARGETS)
# A value without quotes, RUN=a b, makes its second word a target.
STRANGERS := $(filter-out $(TARGETS) $(READY) $(DEMO_DATA)/test_batch.bin cifar10-% cifar100-% pictures-% imagenet-%,$(MAKECMDGOALS))

# The variables that each target takes, as in: make cifar10-preact164 GPUS=0,1 SEED=3. Others are rejected.
NETWORKS_TAKE := SCALE DATA GPUS CPUS SEED UNIT SHORTCUT_ARGS ACTIVATION_ARGS WIDTHS ITERATIONS EPOCHS BATCH LR IMAGE_SIZE OUTPUT \
	INITIAL FREEZE ARGS
TABLES_TAKE := SCALE SEEDS GPUS DATA
setup.TAKES := PYTHON VARIANT DRY_RUN
compare.TAKES := RUN WHAT BY TITLE OUTPUT
notes.TAKES := UNITS EPOCHS OPTIMIZER BATCH DATA GPUS CPUS SEED OUTPUT ARGS
departures.TAKES := SCALE DATA GPUS SEED ARGS
summary.TAKES := SCALE
watch.TAKES := ARGS
propagation.TAKES := NETWORKS SEED DATA ARGS
lesion.TAKES := RUN DATA ARGS
responses.TAKES := RUN DATA ARGS
gates.TAKES := RUN DATA ARGS
score.TAKES := RUN CROP DATA GPUS OUTPUT ARGS
predict.TAKES := RUN PHOTO DATA GPUS OUTPUT ARGS
export.TAKES := RUN FORMAT DATA OUTPUT ARGS
feed.TAKES := DATA
benchmark.TAKES := PEER NETWORKS ARGS
imagenet-data.TAKES := SOURCE DATA ARGS
takes = $(or $($(1).TAKES),$(if $(filter $(filter-out table5,$(TABLES)) $(FIGURES),$(1)),$(TABLES_TAKE),\
	$(if $(filter cifar10-% cifar100-% pictures-%,$(1)),$(NETWORKS_TAKE)) \
	$(if $(filter imagenet-%,$(1)),$(filter-out SCALE,$(NETWORKS_TAKE)))))
ALLOWED := $(sort PY $(foreach goal,$(MAKECMDGOALS),$(call takes,$(goal))))
ASSIGNED := $(sort $(foreach word,$(MAKEOVERRIDES),$(firstword $(subst :, ,$(subst =, ,$(word))))))
# MAKEOVERRIDES splits a value at its spaces; the parts are not variables of the command line
UNKNOWN := $(firstword $(foreach word,$(filter-out $(ALLOWED),$(ASSIGNED)),$(if $(filter command,$(origin $(word))),$(word))))
# Values reach the shell in quotes, exactly as they were typed ($(value) expands no $); ARGS is split by the shell.
comma := ,
quote = '$(subst ','\'',$(1))'
nearest = $(shell python3 -c "import difflib, sys; print(*difflib.get_close_matches(sys.argv[1], sys.argv[2:], 1, 0.4))" $(1) 2>&-)
hint = $(if $(1),; did you mean $(1)=?,.)
STRANGER := $(firstword $(STRANGERS))
FILE := $(wildcard $(STRANGER))
meant = $(call nearest,$(call quote,$(STRANGER)) $(filter-out FORCE,$(TARGETS)) cifar10-NETWORK cifar100-NETWORK pictures-NETWORK imagenet-NETWORK)
$(if $(STRANGER),$(error there is no target $(STRANGER)$(if $(meant),; did you mean $(meant)?,.) make help lists all$(if \
	$(FILE),. If this file or folder belongs to a variable$(comma) quote the whole value: RUN="a b")))
$(if $(UNKNOWN),$(error make $(or $(firstword $(MAKECMDGOALS)),help) takes no $(UNKNOWN)=$(call \
	hint,$(call nearest,$(call quote,$(UNKNOWN)) $(filter-out PY,$(ALLOWED)))) It takes $(or $(filter-out PY,$(ALLOWED)),nothing)))
# Several goals: a variable belongs to all of them, except setup and goals without variables. table5 is at full scale only.
$(foreach goal,$(filter-out setup,$(MAKECMDGOALS)),$(if $(strip $(call takes,$(goal)) $(filter table5,$(goal))),$(foreach name,$(filter-out PY $(setup.TAKES) \
	$(call takes,$(goal)),$(ASSIGNED)),$(if $(filter command,$(origin $(name))),$(error make $(goal) takes no $(name)=: run it by itself)))))

# The script's option for each variable. Variables without an option are positional arguments, or belong to their target alone.
PAIRS := ACTIVATION_ARGS:--activation-args BATCH:--batch-size BY:--by CPUS:--cpus CROP:--crop DATA:--data-dir EPOCHS:--epochs \
	FREEZE:--freeze GPUS:--gpus IMAGE_SIZE:--image-size INITIAL:--initial ITERATIONS:--iterations LR:--learning-rate \
	OPTIMIZER:--optimizer OUTPUT:--output PHOTO:--predict SCALE:--scale SEED:--seed SEEDS:--seeds SHORTCUT_ARGS:--shortcut-args \
	TITLE:--title UNIT:--unit UNITS:--units WHAT:--what WIDTHS:--widths
option = $(patsubst $(1):%,%,$(filter $(1):%,$(PAIRS)))
# The value of a variable of the command line. Variables of the environment are ignored, except SCALE: other programs use the same names.
value_of = $(if $(or $(filter SCALE,$(1)),$(filter command,$(origin $(1)))),$(value $(1)))
pairs = $(foreach name,$(call takes,$@),$(if $(and $(call option,$(name)),$(strip $(call value_of,$(name)))),$(call \
	option,$(name)) $(call quote,$(call value_of,$(name)))))
options = $(pairs) $(call value_of,ARGS)
quote_words = $(foreach word,$(call value_of,$(1)),$(call quote,$(word)))

# Settings for other Pythons, or another NumPy, must not affect this one.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONSTARTUP PIP_TARGET PIP_PREFIX
export PYTHONNOUSERSITE := 1
export PIP_USER := 0

variants = $(notdir $(basename $(filter-out %/__init__.py,$(wildcard symbols/$(1)/*.py))))
help:  ## list the targets
	@echo "make cifar10-NETWORK, cifar100-NETWORK, imagenet-NETWORK: train a network; run the command again to resume"
	@echo "make pictures-NETWORK DATA=folder: train on your own images, in class folders or in CIFAR's layout"
	@echo "    NETWORK is [activation-][shortcut]depth, as in preact1001, exclusive_gating110, preact-constant_scaling110, 56"
	@echo "    activations (default: original): $(call variants,activations)"
	@echo "    shortcuts (default: identity): $(call variants,shortcuts)"
	@echo "    variables: SCALE=full|desk|pocket|demo (not ImageNet) GPUS=0,1 CPUS=2 SEED=3 DATA=folder OUTPUT=folder ITERATIONS=6400"
	@echo "        EPOCHS=10 BATCH=64 LR=0.05 IMAGE_SIZE=16 UNIT=basic|bottleneck|one_layer SHORTCUT_ARGS=bias=-7"
	@echo "        ACTIVATION_ARGS=beta=2 WIDTHS=32,64,128 INITIAL=runs/... FREEZE=all ARGS='options of train_cifar.py'"
	@echo "make table1 ... table5, figure1, figure3, figure6, degradation, depth, gate-bias-search: train missing runs, then draw (table5 only draws)"
	@echo "    variables: SCALE=full|desk|pocket|demo SEEDS=0,1,2 GPUS=0,1 DATA=folder; -j2 trains two networks at the same time"
	@echo "make figure2, figure4, figure5: draw the paper's units; they need no training"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## create .venv with all packages (other targets do this too; PYTHON=3.12 VARIANT=cpu|cu112 DRY_RUN=1)

# A removed Python, for example after an upgrade of the system, leads to a new setup.
missing := $(shell test -x .venv/bin/python || echo FORCE)
$(READY): requirements/install.sh common/gpus.py $(wildcard requirements/*.txt) \
		$(if $(call value_of,PYTHON)$(call value_of,VARIANT)$(call value_of,DRY_RUN),FORCE,$(missing))
	$(if $(and $(call value_of,DRY_RUN),$(filter-out setup,$(MAKECMDGOALS))),$(error DRY_RUN=1 works with make setup only))
	@PYTHON=$(call quote,$(call value_of,PYTHON)) VARIANT=$(call quote,$(call value_of,VARIANT)) \
		DRY_RUN=$(call quote,$(call value_of,DRY_RUN)) sh requirements/install.sh

demo: $(READY) $(DEMO_DATA)/test_batch.bin  ## train four small networks on generated images and draw them, in minutes
	@for network in $(DEMO); do \
		$(MAKE) --no-print-directory cifar10-$$network SCALE=demo || exit; done
	@$(PY) -m plots.compare $(foreach network,$(DEMO),runs/demo/cifar10-$(network)/seed0) \
		--output plots/figures/demo.png --title "Four ways to join 20 layers"
	@echo "Open plots/figures/demo.png. Next: make cifar10-preact20 SCALE=pocket (CIFAR-10, minutes), or make help."

cluster-demo: $(READY) $(DEMO_DATA)/test_batch.bin  ## train a network with two workers on this machine (MXNet's parameter server)
	@$(PY) -W ignore -m training.cluster --workers 2 -- train_cifar.py 20 --kv-store dist_sync \
		--scale demo --output runs/demo/cluster/seed0

$(DEMO_DATA)/test_batch.bin: data/generated.py | $(READY)
	@$(PY) -m data.generated $(DEMO_DATA)

# FORCE: make trains also if a file has the name of the target
cifar10-%: $(READY) $(SCALE_DATA) FORCE
	@exec $(PY) -W ignore train_cifar.py $(call quote,$*) --dataset cifar10 $(options)

cifar100-%: $(READY) $(SCALE_DATA) FORCE
	@exec $(PY) -W ignore train_cifar.py $(call quote,$*) --dataset cifar100 $(options)

pictures-%: $(READY) FORCE
	@exec $(PY) -W ignore train_cifar.py $(call quote,$*) --dataset pictures $(options)

notes: $(READY)  ## train the network of the notes' MXNet script (docs/NOTES.md), and draw its two figures (UNITS=12 EPOCHS=10 OPTIMIZER=nag|adam)
	@exec $(PY) -W ignore train_notes.py $(options)

departures: $(READY) $(SCALE_DATA)  ## train preact20 with each departure of the notes (SCALE=pocket ARGS=stride)
	@exec $(PY) -W ignore -m analysis.departures $(options)

# DATA: the folder of the prepared set, in which imagenet-NETWORK looks for it
imagenet-data: PAIRS := DATA:--output
imagenet-data: $(READY)  ## prepare ImageNet, or your own class folders, for make imagenet-NETWORK (SOURCE=folder DATA=folder)
	@$(PY) -W ignore -m data.prepare $(if $(strip $(call value_of,SOURCE)),$(call quote,$(call value_of,SOURCE))) $(options)

imagenet-%: $(READY) FORCE
	@exec $(PY) -W ignore train_imagenet.py $(call quote,$*) $(options)

# reproduce.py divides the cores among the networks of make -j3, so make itself must not run targets in parallel
.NOTPARALLEL:
JOBS = $(patsubst -j%,--jobs %,$(filter-out -j,$(filter -j%,$(MAKEFLAGS))))
# table1 ... table5, figure1, figure3, figure6: the paper's; degradation: 1512.03385, Figure 6; depth: error against depth
$(TABLES) $(FIGURES): $(READY) $(SCALE_DATA)
	@$(PY) -W ignore reproduce.py $@ $(JOBS) $(options)

test: $(READY)  ## run all tests
	@$(PY) -m pytest -q -n auto --dist loadfile tests

test-pythons:  ## set up, train and draw with each Python from 3.8 to 3.13 on this machine
	@sh tests/pythons.sh

torture: $(READY)  ## kill runs 50 times, fill their disk; compare each with an uninterrupted run
	@$(PY) -W ignore tests/torture.py

fuzz: $(READY)  ## damage the files that a run reads (images, checkpoint, config.json, log) 10,000 times each
	@FUZZ_CASES=10000 $(PY) -m pytest -q --hypothesis-show-statistics tests/scripts/test_fuzz.py

mutants: $(READY)  ## add known bugs to copies of the project, and check that the tests fail for each
	@$(PY) tests/mutants.py

lint: $(READY)  ## run ruff's checks and check its format
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check -q .

plots: $(READY)  ## draw all figures from the logs under results/ and runs/; train nothing
	@$(PY) -m plots

summary: $(READY)  ## print and draw the order of Tables 1 and 2, ours and the paper's, from the logs (SCALE=pocket)
	@$(PY) -m plots summary $(options)

report: $(READY) plots  ## write plots/report.html: one page with everything, to open offline
	@$(PY) -m plots.report

diagrams: $(READY)  ## draw the units of Figures 1, 2, 4 and 5, and your own units, from their graphs
	@$(PY) -W ignore -m plots.diagrams

figure2 figure4 figure5: $(READY)  # the paper's diagrams, which need no runs
	@$(PY) -W ignore -m plots.diagrams $@

watch: $(READY)  ## write plots/watch.html, with the curves of all current runs and their remaining time, until Ctrl-C
	@$(PY) -m plots.watch $(options)

# Measure, then draw the files whose names the measurement prints.
measure = @paths=$$($(PY) -W ignore -m analysis.$@ $(call quote_words,$(1)) $(options)) && \
	case "$$paths" in usage:*) echo "$$paths";; *) $(PY) -m plots.measured $$paths;; esac
trained = $(if $(call value_of,RUN),,$(error make $@ needs the folder of a trained run: RUN=runs/full/cifar10-preact20/seed0))
compare: $(READY)  ## draw several runs in one figure (RUN="a b" WHAT=error|loss|accuracy BY=iteration|epoch TITLE=text OUTPUT=file)
	$(trained)@$(PY) -m plots.compare $(call quote_words,RUN) $(options)

propagation: $(READY)  ## measure signal propagation (equations 3 to 8): the paper's variants, 110 and 1001 layers (NETWORKS="preact56 runs/...")
	$(call measure,NETWORKS)

lesion: $(READY)  ## delete and swap units of trained networks (RUN="runs/... runs/..." DATA=folder)
	$(trained)$(call measure,RUN)

responses: $(READY)  ## measure responses of the 3x3 layers of trained networks (RUN= DATA=)
	$(trained)$(call measure,RUN)

gates: $(READY)  ## measure the factors 1 - g(x) on the shortcuts of trained networks with gates (RUN= DATA=)
	$(trained)$(call measure,RUN)

score: $(READY)  ## test a trained network (RUN=runs/... DATA=folder; ImageNet: CROP=224,320,ten)
	$(trained)@$(PY) -W ignore score.py $(call quote,$(value RUN)) $(options)

predict: $(READY)  ## print and draw the classes of photographs (RUN=runs/... PHOTO="a.jpg folder")
	$(trained)$(if $(call value_of,PHOTO),,$(error make predict needs photographs: PHOTO="a.jpg folder"))@$(PY) -W ignore score.py \
		$(call quote,$(value RUN)) $(call value_of,ARGS) $(pairs)

export: $(READY)  ## write a trained network in MXNet's own files, or as ONNX (RUN=runs/... FORMAT=onnx)
	$(trained)@$(PY) -W ignore score.py $(call quote,$(value RUN)) --export $(call quote,$(or $(call value_of,FORMAT),mxnet)) $(options)

parameters: $(READY)  ## print parameters and multiply-adds of the papers' networks
	@$(PY) -W ignore -m symbols.counts

docs: $(READY)  ## compute the tables and captions of the documents, and draw their figures
	@$(PY) -W ignore -m publish

benchmark: $(READY)  ## compare speed with a bare Module step, PyTorch (PEER=python-with-torch) or the original unit (NETWORKS=all)
	$(if $(and $(call value_of,PEER),$(call value_of,NETWORKS)),$(error PEER= and NETWORKS= are two benchmarks: name one))@$(PY) \
		-W ignore -m benchmarks.$(or $(if $(call value_of,PEER),peer $(call quote,$(value PEER))),$(if $(call \
		value_of,NETWORKS),variants $(call quote_words,NETWORKS)),loop) $(options)

feed: $(READY)  ## measure how fast each core prepares and feeds ImageNet's images (DATA=)
	@$(PY) -W ignore -m benchmarks.feed $(options)

doctor: $(READY)  ## print what this machine has, whether MXNet trains on it, and how long the paper's networks take
	@$(PY) -W ignore -m benchmarks.doctor

clean:  ## remove .venv and caches; keep data and results
	rm -rf .venv .pytest_cache .ruff_cache
