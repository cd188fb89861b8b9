"""Do the tests find mistakes? `make mutants` puts known mistakes into copies of the project.

Most of them are mistakes of public code. A mutant is caught if a test fails on the copy that has
it. The copy without any mutant must pass first.

    python tests/mutants.py [word ...]       # only the mutants whose description has one of the words
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Mutant = namedtuple("Mutant", "mistake file right wrong tests")
SYMBOLS, RECIPE = (
    "test_graph.py test_symbols.py test_reference.py",
    "test_schedule.py test_optimizer.py test_training.py",
)
FOLDER = "test_run_folder.py"
OPTIONS = "test_options.py"
DATA, CHECKPOINT = "test_augment.py", "training/checkpoint.py"
SAFETY = "test_safety.py test_checkpoint.py"
PROPAGATION, LESION = "analysis/propagation.py", "analysis/lesion.py"
BFLOAT16 = "training/bfloat16.py"
RECOMPUTE = "training/recomputation.py"

ORIGINAL, PREACT = "symbols/activations/original.py", "symbols/activations/preact.py"
LAYERS, RESNET, UNIT = "symbols/layers.py", "symbols/resnet.py", "symbols/unit.py"
# fmt: off
MUTANTS = [Mutant(*fields) for fields in [
    ("no activation between conv1 and the first unit", RESNET, "x = relu(batch_norm(x))", "pass", SYMBOLS),
    ("no activation after the last pre-activated unit", PREACT, 'return relu(batch_norm(x, "bn"), "relu")', "return x", SYMBOLS),
    ("no ReLU after the last ReLU-only unit", "symbols/activations/relu_only_preact.py", 'return relu(x, "relu")', "return x", SYMBOLS),
    ("the first pre-activated unit activates twice", PREACT, "        preactivation = x\n", "        pass\n", SYMBOLS),
    ("a bottleneck counts as two layers", "symbols/names.py", "(3, 4), (1, 1)]", "(3, 4)]", "test_names.py"),
    ("BN on a pre-activated projection", PREACT, "projection=unit.project(preactivation)",
     'projection=batch_norm(unit.project(preactivation), "projection_bn")', SYMBOLS),
    ("no BN on a projection of the original unit", ORIGINAL, 'projection=batch_norm(unit.project(x), "projection_bn")',
     "projection=unit.project(x)", SYMBOLS),
    ("a pre-activated projection reads the raw input", PREACT, "projection=unit.project(preactivation)",
     "projection=unit.project(x)", SYMBOLS),
    ("a bottleneck's stride in its 3x3", UNIT, 'self.kind == "bottleneck" and self.bottleneck_stride == "3x3"', 'self.kind == "bottleneck"',
     SYMBOLS),
    ("no ReLU after the addition of the original unit", ORIGINAL, "return relu(unit.join(", "return (unit.join(", SYMBOLS),
    ("ReLU after the addition of the pre-activated unit", PREACT,
     "return unit.join(shortcut, f, projection=unit.project(preactivation))",
     'return relu(unit.join(shortcut, f, projection=unit.project(preactivation)), "after")', SYMBOLS),
    ("BN after addition keeps the BN before it", "symbols/activations/bn_after_addition.py", "    f = unit.weights[-1](f)",
     '    f = batch_norm(unit.weights[-1](f), "extra_bn")', SYMBOLS),
    ("ReLU before addition forgets the ReLU at the end of F", "symbols/activations/relu_before_addition.py",
     'f = relu(batch_norm(weight(f)))',
     'f = batch_norm(weight(f))\n        f = relu(f) if weight is not unit.weights[-1] else f', SYMBOLS),
    ("a gate without its sigmoid", LAYERS, 'mx.sym.Activation(pre, act_type="sigmoid", name="gate_sigmoid")', "pre", SYMBOLS),
    ("a gate without its bias' start", LAYERS, "init=bias", "init=0", SYMBOLS),
    ("a gate with He's initialisation", LAYERS, 'mx.init.Xavier("gaussian", "in", 1))\n    gate_bias',
     'mx.init.MSRAPrelu("in", 0))\n    gate_bias', SYMBOLS),
    ("exclusive gating the wrong way round", "symbols/shortcuts/exclusive_gating.py", "x + gate(unit, bias) * (f - x)", "f + gate(unit, bias) * (x - f)",
     "test_reference.py"),
    ("shortcut-only gating gates F too", "symbols/shortcuts/shortcut_only_gating.py", "x - gate(unit, bias) * x + f",
     "x + gate(unit, bias) * (f - x)", "test_reference.py"),
    ("constant scaling leaves F alone", "symbols/shortcuts/constant_scaling.py", "residual_scale * f", "f", "test_reference.py"),
    ("the plain net has shortcuts", "symbols/shortcuts/plain.py", "return f", "return x + f", SYMBOLS),
    ("dropout on F instead of the shortcut", "symbols/shortcuts/dropout.py",
     'mx.sym.Dropout(x, p=ratio, name="shortcut_dropout") + f', 'x + mx.sym.Dropout(f, p=ratio, name="shortcut_dropout")', SYMBOLS),
    ("a 1x1 convolution only where dimensions change", "symbols/shortcuts/convolution.py", "projection + f", "x + f", SYMBOLS),
    ("option A puts its zeros first", LAYERS, "concat(x, *parts", "concat(*parts, x", "test_reference.py"),
    ("option A averages instead of subsampling", LAYERS,
     'x, kernel=(1, 1), stride=(stride, stride), pool_type="avg"',
     'x, kernel=(2, 2), stride=(stride, stride), pool_type="avg"', "test_reference.py"),
    ("option B for basic units", "symbols/network.py", "option or names.default_option(stages[0])", 'option or "B"', SYMBOLS),
    ("units counted within their stage", RESNET, "index=index,", "index=number,", SYMBOLS),
    ("--widths forgotten", "symbols/network.py", "names.stage_widths(widths, family)", "names.stage_widths(None, family)",
     "test_widths.py"),
    ("widths of a bottleneck's end, not of its 3x3", RESNET, "width * EXPANSION[kind]", "width", "test_widths.py"),
    ("constants of an activation forgotten", "symbols/network.py", '"activations", activation, activation_args', '"activations", activation, {}',
     "test_variants.py"),
    ("constants of an activation forgotten in the stem", "symbols/contract.py", "if name in parameters}", 'if function == "residual_unit"}',
     "test_variants.py"),
    ("a name given twice goes through", "symbols/naming.py", "if full in self._names:", "if False:", "test_contract.py"),
    ("variables of one name go through", "symbols/checks.py", "if count > 1:", "if False:", "test_contract.py"),
    ("a unit of any shape goes through", "symbols/checks.py", "shape[1:] != expected", "False", "test_contract.py"),
    ("the notes' first stage without a stride", "symbols/notes.py", '(stage > 1 or "stride" in self._departures)', "stage > 1", "test_notes.py"),
    ("the notes' projection reads the pre-activation", "symbols/notes.py", 'x = self.convolution(x, channels, 1, f"{unit}_projection"',
     'x = self.convolution(relu(x, unit), channels, 1, f"{unit}_projection"', "test_notes.py"),
    ("the notes' last gamma is learnt", "symbols/notes.py", 'fixed = "gamma" in self._departures', "fixed = False", "test_notes.py"),
    ("convolutions with a bias", LAYERS, '{"no_bias": True}', "{}", SYMBOLS),
    ("MXNet's fixed gamma", LAYERS, "fix_gamma=False", "fix_gamma=True", SYMBOLS),
    ("MXNet's epsilon of BN", LAYERS, "BATCH_NORM_EPSILON = 1e-5", "BATCH_NORM_EPSILON = 1e-3", SYMBOLS),
    ("the classifier with He's initialisation", LAYERS, 'init=mx.init.Xavier("uniform", "in", 1)', 'init=mx.init.MSRAPrelu("in", 0)',
     SYMBOLS),
    ("convolutions initialised by fan-out", "training/optimizer.py", "factor_type=fan", 'factor_type="out"', SYMBOLS),
    ("weight decay on BN and biases", "training/optimizer.py", 'scope == "all" or name.endswith("_weight")', "True", RECIPE),
    ("Nesterov's momentum", "training/optimizer.py", '"nesterov" if recipe.nesterov else "sgd"', '"nesterov"', RECIPE),
    ("the batch divided by twice", "training/optimizer.py", 'rescale_grad=1 / recipe.batch_size',
     'rescale_grad=1 / recipe.batch_size ** 2', RECIPE),
    ("a warm-up of 399 updates", "training/optimizer.py", "iteration <= recipe.warmup_iterations",
     "iteration < recipe.warmup_iterations", RECIPE),
    ("the learning rate drops one update early", "training/optimizer.py", "iteration > step", "iteration >= step", RECIPE),
    ("the learning rate begins anew on resume", "training/loop.py", "optimizer(recipe, symbol, done)", "optimizer(recipe, symbol, 0)", RECIPE),
    ("momentum lost on resume", "training/state.py", "momentum if master is None else (momentum, master)", "None", RECIPE),
    ("F let through where the gradient is the shortcuts' alone", PROPAGATION, '"BlockGrad"', '"identity"', "test_propagation.py"),
    ("norms of the batch called norms of an image", PROPAGATION, "root = sqrt(len(images))", "root = 1", "test_propagation.py"),
    ("lambdas multiplied across a change of dimensions", PROPAGATION, "[last[shape] for shape in shapes]",
     "[len(shapes) - 1 for _ in shapes]", "test_propagation.py"),
    ("one lambda too many", PROPAGATION, "factor ** (end - i)", "factor ** (end - i + 1)", "test_propagation.py"),
    ("networks measured with other weights than they start from", "analysis/networks.py", "mx.random.seed(seed)",
     "mx.random.seed(seed + 1)", "test_options.py"),
    ("a deleted unit loses its shortcut too", LESION, "graph.insert(graph.residual(unit)", "graph.insert(graph.output[unit]",
     "test_lesion.py"),
    ("plain units deleted from the front", LESION, "reversed([unit for unit in graph.units if unit in units])",
     "[unit for unit in graph.units if unit in units]", "test_lesion.py"),
    ("swapped units keep their BN's moving averages", LESION, "swap(states, *pair)", "states", "test_lesion.py"),
    ("report leaves missing runs blank", "plots/report.py", 'row.ours or "not run"', "row.ours", "test_report.py"),
    ("open gates counted as closed ones", "analysis/gates.py", "1 - np.concatenate", "np.concatenate", "test_measurements.py"),
    ("responses before BN", "analysis/units.py", "readers[0] if normalised else node", "node", "test_lesion.py"),
    ("responses' mean counted as their deviation", "analysis/responses.py", "square - mean**2", "square", "test_measurements.py"),
    ("moving averages of one device for all on resume", "training/state.py", 'arrays[f"aux{k}:{name}"].copyto(block)', "pass", RECIPE),
    ("a test between two rows is left out", "training/loop.py", "or iteration % recipe.test_every == 0", "", RECIPE),
    ("a typed test interval is rounded", "training/recipe.py", "**{**schedule, **changes}", "**{**changes, **schedule}", RECIPE),
    ("the result of a test is lost if the next one is stopped", "score.py", "    if place:  # at once: a later test can take hours",
     "    if False:", "test_score.py"),
    ("a network that ignores its input goes through", "symbols/checks.py", 'if "data" in symbol.list_arguments():', "if True:",
     "test_contract.py"),
    ("two kinds of unit share a name", "symbols/names.py", "unit != implied_unit(depth)", "False", "test_names.py test_experiments.py"),
    ("neighbouring iterations share dropout masks", "training/seeds.py", "int(np.random.RandomState(key).randint(SEEDS))", "sum(key)",
     "test_seeds.py"),
    ("dropout draws anew on resume", "training/loop.py", "seed_masks(*masks)", "pass", RECIPE),
    ("evaluation counts the padding", "training/evaluate.py", "batches.batch_size - batch.pad", "batches.batch_size", RECIPE),
    ("evaluation with stale, folded BN", "common/environment.py", 'os.environ["MXNET_SUBGRAPH_BACKEND"] = "NONE"', "pass", RECIPE),
    ("images never flipped", "data/augment.py", "batch[flip] = batch[flip, :, :, ::-1]", "pass", DATA),
    ("the last crop never drawn", "data/augment.py", "2 * padding + 1", "2 * padding", DATA),
    ("the same crops in every epoch", "data/augment.py", "RandomState([seed, epoch])", "RandomState([seed, 0])", DATA),
    ("the border is black, not the mean", "data/augment.py", "np.pad(self._images[samples] - self._mean, self._borders)",
     'np.pad(self._images[samples], self._borders) - np.pad(self._mean, self._borders[1:], mode="edge")', DATA),
    ("one mean for all pixels", "data/batches.py", "images.mean(axis=0, dtype=np.float64)",
     "np.full(images.shape[1:], images.mean(dtype=np.float64))", RECIPE),
    ("a corrupt checkpoint is believed", CHECKPOINT, 'hashlib.sha256(content).hexdigest() != state["arrays"]["sha256"]', "False", SAFETY),
    ("a corrupt state is believed", CHECKPOINT, 'state.pop("sha256") != _digest(state)', 'not state.pop("sha256", None)', SAFETY),
    ("one checkpoint is kept", CHECKPOINT, "KEPT = 2", "KEPT = 1", SAFETY),
    ("a file that a full disk cut off counts as whole", CHECKPOINT, "not content.endswith(list(arrays)[-1].encode())", "False", SAFETY),
    ("the log keeps what came after the checkpoint", "training/run.py", 'write_whole(self.folder / "log.csv", self._log)', "pass", SAFETY),
    ("two processes in one folder", "training/run.py", "fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)", "pass", FOLDER),
    ("two tests of one run lose a result", "common/files.py", "fcntl.flock(descriptor, fcntl.LOCK_EX)", "pass", "test_files.py"),
    ("runs on different images are compared", "paper/significance.py", "all(compared_as(run.data) == data for run in runs)", "runs", "test_publish.py"),
    ("another program's files are written over", "training/run.py", "if path.exists() and path.stat().st_size:", "if False:",
     FOLDER),
    ("an edited config.json mixes two recipes", "training/run.py",
     'self._refuse_another(state["run"], f"{self._path} {fault}: {checkpoint_of}", may_differ)', "pass", FOLDER),
    ("a test that was interrupted leaves no row", "training/loop.py", "if training.progress.row_due:", "if False:", SAFETY),
    ("a signal takes effect only after a test", "training/loop.py", "between=look", "between=lambda: None", SAFETY),
    ("divergence is seen only where a row is due", "training/loop.py",
     "iteration == recipe.iterations or progress.just_diverged", "iteration == recipe.iterations", SAFETY),
    ("a job's log counts one worker", "training/workers.py", "return array.asnumpy().tolist()", "return numbers", "test_cluster.py"),
    ("float16 resumes without its float32 weights", "training/state.py", '"master:{key}": master', '"master:{key}": None', SAFETY),
    ("a pickle's keys may be anything", "data/unpickle.py", "pickle.TUPLE1[0]: functools.partial(load_short_list, 1),", "",
     "test_cifar_refusals.py"),
    ("a checkpoint is lost while it is written again", CHECKPOINT, "if target.exists():",
     "if target.exists() and shutil.rmtree(target):", SAFETY),
    ("a table counts a run of another network", "paper/counted_runs.py", '(run.config["name"], experiment.run_name)', '(0, 0)',
     "test_runs.py"),
    ("every seed starts from the same weights", "training/loop.py", "mx.random.seed(recipe.seed)", "mx.random.seed(0)", OPTIONS),
    ("every seed draws the same order", "data/batches.py", "            recipe.seed,\n", "            0,\n", OPTIONS),
    ("every seed draws the same masks", "training/loop.py", "masks = (self.recipe.seed,", "masks = (0,", OPTIONS),
    ("the augmentation of ImageNet is ignored", "train_imagenet.py", "            recipe.augmentation,\n", "", "test_imagenet.py"),
    ("every worker trains on the whole batch of ImageNet", "train_imagenet.py", "            share=share,\n", "", "test_imagenet.py"),
    ("labels of a part of ImageNet are not the network's", "data/test_set.py",
     "labels[dataset.test_images.labels.astype(int)]", "dataset.test_images.labels", "test_score.py"),
    ("the mean of gluoncv's weights is not subtracted", "data/test_set.py", 'np.array(settings["mean"], np.float32)', "np.zeros(3)", "test_score.py"),
    ("a job waits after its time limit", "training/cluster.py", "(code in RESUMABLE and any(ended))", "False", "test_cluster_start.py"),
    ("a figure that fails costs the exported network", "training/job.py", "            _export(job, folder)\n            figure.finish()", "            figure.finish()\n            _export(job, folder)",
     OPTIONS),
    ("every seed holds out the same images", "train_cifar.py", "split_validation(dataset, arguments.seed or 0)", "split_validation(dataset, 0)", "test_score.py"),
    ("--init-fan is ignored", "training/loop.py", "initializer(recipe.init_fan)", 'initializer("in")', OPTIONS),
    ("raw input is ignored", "data/batches.py", "mean_of(dataset.train_images, recipe.input)", 'mean_of(dataset.train_images, "mean")', OPTIONS),
    ("--augmentation none is ignored", "data/batches.py", 'self._augmented = augmentation == "crop"', "self._augmented = True", OPTIONS),
    ("--option is ignored", "symbols/network_options.py", "arguments.option or names.default_option(unit)", "names.default_option(unit)", OPTIONS),
    ("--keep-going is ignored", "training/job.py", "Run(folder, config, arguments.keep_going)", "Run(folder, config)", OPTIONS),
    ("a diverged network is exported", "training/job.py", "if math.isfinite(sum(", "if True or (sum(", OPTIONS),
    ("a run on two devices resumes on one", "training/configuration.py", '"devices": devices.count(arguments)', '"devices": 1', OPTIONS),
    ("the cost forgets the number of iterations", "training/cost.py", "iteration * (recipe.iterations + tested)", "iteration", OPTIONS),
    ("the clock starts again when a run is resumed", "training/progress.py", "time.monotonic() - self.seconds", "time.monotonic()", "test_recompute.py"),
    ("workers crop with the same random numbers", "data/crops.py", "[self._seed, iteration, self._place]", "[self._seed, iteration]", "test_crops.py"),
    ("an export overwrites another run", "score.py", "run_files.check_output(arguments.output, weights.run)", "pass", "test_score.py"),
    ("predictions overwrite a photograph", "score.py", "figure_files.check_free(output, predictions.MARKS)", "pass", "test_predict.py"),
    ("a run is trained in a checkpoint", "training/run.py", "for place in (self.folder, self.folder.parent)", "for place in ()", FOLDER),
    ("a quick measurement replaces a long one", "analysis/networks.py", "name = network.name + changes", "name = network.name", "test_measurements.py"),
    ("a test on other images replaces the run's own", "score.py", '"" if is_same else test_set.qualifier(dataset, arguments.data_dir)', '""',
     "test_score.py"),
    ("rows on different images are compared", "paper/counted_runs.py", "if compared_as(first.data) == data", "if True", "test_significance.py"),
    ("published runs on other images complete a user's row", "paper/planned_run.py", "counts = run_files.read(ours).is_trained_on(images)", "pass",
     "test_reproduce.py"),
    ("a loss that is no number ends the median of its seeds", "plots/series.py", "math.inf if math.isnan(value) else value", "value",
     "test_plots.py"),
    ("a test subtracts the mean of other images", "data/test_set.py", "(is_same and len(dataset.train_images))",
     "len(dataset.train_images)", "test_score.py"),
    ("a run of a changed network is tested", "training/weights.py", 'fingerprint(symbol) != self.config["network"]', "False",
     "test_score.py"),
    ("a warm-up is faster than the training", "training/options.py", 'min(base.warmup_learning_rate, typed["learning_rate"])',
     "base.warmup_learning_rate", "test_schedule.py"),
    ("processes at once use all cores", "common/environment.py", "min(count, physical_cores() // processes)", "count",
     "test_environment.py"),
    ("a user's run on other images counts silently", "paper/planned_run.py", "if not run.is_trained_on(images)", "if False",
     "test_reproduce.py"),
    ("published runs replace a user's own", "paper/counted_runs.py", "usual_data(own or finished", "usual_data(finished",
     "test_runs.py"),
    ("a published run replaces the user's of the same seed", "paper/counted_runs.py", "[*own, *(run for run in candidates if run not in own)]", "candidates", "test_runs.py"),
    ("a user's CIFAR-10 is not that of the published runs", "common/data_names.py", "name.replace(CIFAR10_NEARLY, CIFAR10)", "name",
     "test_runs.py"),
    ("sets of a user are equal by name", "common/data_names.py", "compared_as(first) in (CIFAR10, CIFAR100) and ", "", "test_reproduce.py"),
    ("a time limit leaves no time to stop", "training/interrupt.py", "now + 1 + 2 * needed > self._deadline", "now > self._deadline",
     SAFETY),
    ("a repeated signal is a second one", "training/interrupt.py", "if now - self._time < REPEATED_SECONDS:", "if False:", SAFETY),
    ("a pause counts as a batch for ever", "training/interrupt.py", "sorted(self._batches)[-2:][0]", "max(self._batches)", SAFETY),
    ("a time limit of 1h30 has 30 seconds", "training/interrupt.py", r"(\d{1,9})s)?", r"(\d{1,9})s?)?", SAFETY),
    ("SIGUSR1 kills before training begins", "training/options.py", "signal.signal(signal.SIGUSR1, signal.SIG_IGN)", "pass", SAFETY),
    ("transparent pixels keep their hidden colours", "data/image_files.py", "white.alpha_composite(image)", "white = image",
     "test_image_files.py"),
    ("a truncated JPEG is sound", "data/im2rec.py", " and END in tail", "", "test_im2rec.py"),
    ("a pickle may name anything", "data/unpickle.py", 'raise Forbidden(repr(f"{module}.{name}"))',
     "return super().find_class(module, name)", "test_cifar_refusals.py"),
    ("one label too many is a label", "data/cifar.py", ">= layout.classes)", "> layout.classes)", "test_cifar_refusals.py"),
    ("ImageNet's crops repeat in every batch", "data/crops.py", "RandomState([self._seed, iteration, self._place])",
     "RandomState([self._seed, self._place])", "test_crops.py"),
    ("ImageNet's order is the same in every epoch", "data/crops.py", "RandomState([self._seed, epoch])",
     "RandomState([self._seed, 0])", "test_crops.py"),
    ("a reader of one batch is not read to its end", "data/crops.py",
     "(batch,) = mx.io.ImageRecordIter(preprocess_threads=self.threads, **options)",
     "batch = next(mx.io.ImageRecordIter(preprocess_threads=self.threads, **options))", "test_crops.py"),
    ("a test crop from the corner, not the centre", "data/crops.py", "(bottom // 2, right // 2)]", "(0, 0)]", "test_crops.py"),
    ("ten crops without their flips", "data/crops.py", "[view[:, :, ::-1] for view in views]", "views", "test_crops.py"),
    ("the padding of the last test batch is counted", "data/crops.py", "pad=pad,", "pad=0,", "test_crops.py"),
    ("the longer side of a test image becomes 256", "data/image_files.py", "short = min(width, height)", "short = max(width, height)",
     "test_crops.py"),
    ("im2rec's images keep their own sizes", "data/crops.py", "resize=side, ", "", "test_im2rec.py"),
    ("im2rec's labels stay as they are in a batch", "data/crops.py",
     "batch.label = [mx.nd.array(self._records.labels[mine])]", "pass", "test_im2rec.py"),
    ("of several labels the first is taken", "data/records.py", "if count > 1:", "if False:", "test_im2rec.py"),
    ("unreadable images are silently left out", "data/folders.py", "if not skip_unreadable:", "if False:", "test_prepare.py"),
    ("images beside the class folders are silently ignored", "data/folders.py", "    _print_unused(source, train, tests)\n", "",
     "test_folders.py"),
    ("entries of a list without a file are silently ignored", "data/lists.py", "if absent:", "if False:", "test_folders.py"),
    ("unreadable files silently remove a class from the test set", "data/image_folders.py",
     "    folders.print_untested(listing.classes, dataset.test_labels)\n", "", "test_image_folders.py"),
    ("records without their class", "data/records.py", "HEADER.pack(0, label, number, 0)", "HEADER.pack(0, 0, number, 0)", "test_prepare.py"),
    ("the devkit's numbers are taken for those of train/", "data/lists.py", "meanings.get(line)", "str(int(line) - 1)", "test_folders.py"),
    ("a convolution in float32 where its input is", BFLOAT16,
     "narrow = True", "narrow = False", "test_bfloat16.py"),
    ("the first convolution in bfloat16", BFLOAT16,
     "is_first = sources[0].is_variable", "is_first = False", "test_bfloat16.py"),
    ("all operators in bfloat16", BFLOAT16, "_follows(node) and all(", "all(", "test_bfloat16.py"),
    ("an addition in bfloat16 of what is float32", BFLOAT16,
     "_follows(node) and all(", "_follows(node) and any(", "test_bfloat16.py"),
    ("cached files of a container count as used memory", "common/cgroups.py", "most - used + cached", "most - used", "test_environment.py"),
    ("another NumPy in PYTHONPATH replaces ours", "common/isolation.py", "sys.path.sort(key=", "sorted(sys.path, key=",
     "test_environment.py"),
    ("Python's threads have OpenMP's teams", "common/openmp.py", 'mx.base._LIB.MXSetNumOMPThreads(1)', "pass",
     "test_environment.py"),
    ("the last iteration's backward is no time", "training/loop.py",
     "self.progress.busy += time.monotonic() - began",
     "pass", "test_training.py"),
    ("a sigmoid in bfloat16", BFLOAT16, 'return node.op in FOLLOWING and node.attributes.get("act_type", "relu") == "relu"',
     "return node.op in FOLLOWING", "test_bfloat16.py"),
    ("BN's parameters in bfloat16", BFLOAT16, '1 if node.op == "BatchNorm" else len(node.inputs)',
     "len(node.inputs)", "test_bfloat16.py"),
    ("parameters in bfloat16", BFLOAT16, 'FLOAT32_NUMBER = "0"', 'FLOAT32_NUMBER = "12"',
     "test_bfloat16.py"),
    ("an array is cast anew for each reader", BFLOAT16, "if (entry, dtype) not in self._casts:", "if True:",
     "test_bfloat16.py"),
    ("a bfloat16 run is trained in float32", BFLOAT16,
     "converted(symbol) if dtype == BFLOAT16 else symbol", "symbol",
     "test_bfloat16.py"),
    ("bfloat16 where a processor emulates it", "training/devices.py",
     'dtype == "bfloat16" and not has_bfloat16()', "False", "test_bfloat16.py"),
    ("parts of a batch shorten BN's averages", "training/batch_norm.py", "momentum ** (1 / count)", "momentum", "test_devices.py"),
    ("a frozen layer's BN follows the images", "training/batch_norm.py",
     'node.attributes["use_global_stats"] = "True"', "pass", "test_initial.py"),
    ("a deeper network is taken for its beginning", "training/weights.py",
     "arrays.keys() | shapes.keys()", "shapes.keys()", "test_initial.py"),
    ("a run is extended with another learning rate", "training/run.py",
     'LENGTH = ("iterations",', 'LENGTH = ("iterations", "learning_rate",', "test_run_folder.py"),
    ("a short trial becomes the paper's run", "training/run.py", "if extends and not is_length_named:", "if False:", FOLDER),
    ("a copy of a run counts as another", "plots/series.py", "curve.setdefault(run.recipe[\"seed\"], run)", "curve.setdefault(len(curve), run)", "test_plots.py"),
    ("a unit with a part of its weights goes through", "symbols/network.py", "if 0 < used < count:", "if False:", "test_contract.py"),
    ("a diverged run is extended", "training/run.py", "longer and not diverged", "longer",
     "test_run_folder.py"),
    ("dropout draws anew in the second pass", RECOMPUTE,
     "self._seed_segment(k)\n            self._second", "self._second", "test_recompute.py"),
    ("a symbol is cut where two edges lead on", "training/segments.py", "len(alive) != 1", "not alive", "test_recompute.py"),
    ("a parameter's readers are parted", "training/segments.py", "if node.is_variable and node.name in inputs:",
     "if node.is_variable:", "test_recompute.py"),
    ("backward writes over the outputs", RECOMPUTE,
     "[array.copy() for array in self._second[-1].outputs]", "self._second[-1].outputs",
     "test_recompute.py"),
    ("a gradient goes to another segment", RECOMPUTE, "[self._gradients[k]]",
     "[self._gradients[k - 1]]", "test_recompute.py"),
    ("the first pass has states of its own", RECOMPUTE, "array.copyto(self._copies[name])", "pass",
     "test_recompute.py"),
    ("activations are kept instead of recomputed", "training/loop.py", "recomputation.Recomputed(network)", "network",
     "test_recompute.py"),
    ("gluoncv's first unit is not activated again", "symbols/pretrained.py", "unit.is_first = False", "pass", "test_gluoncv.py"),
    ("Student's t-test in place of Welch's", "paper/significance.py", "equal_var=False", "equal_var=True",
     "test_significance.py"),
    ("a document shows an unfinished run", "publish/runs.py", "list(filter(run_files.is_whole, map(run_files.read, folders)))",
     "list(map(run_files.read, folders))", "test_publish.py"),
    ("bottlenecks without pre-activation take its option", "symbols/network_options.py", "if is_preactivated and", "if False and",
     "test_mistakes.py"),
    ("a signal does not reach the runs", "training/processes.py", "        for process in self._processes:\n            process.terminate()",
     "        pass", "test_reproduce.py"),
    ("a run that begins during a signal goes on", "training/processes.py", "if self.stopped:  # the signal", "if False:  # the signal",
     "test_reproduce.py"),
    ("a checkpoint has its name before its content", "training/checkpoint.py", "                sync(path)\n", "                pass\n",
     "test_files.py"),
    ("no checkpoint during a run", "training/interrupt.py", " or now - self._saved > CHECKPOINT_SECONDS", "", "test_safety.py"),
    ("a file has its name before its content", "common/files.py", "            sync(partial)\n", "", "test_files.py"),
    ("a set is prepared by two processes", "data/prepare.py", "fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)", "pass", "test_prepare.py"),
    ("--deterministic is ignored", "training/options.py", "if arguments.deterministic:", "if False:", "test_options.py"),
    ("a known set has no name", "data/cifar.py", "return known or", "return", "test_cifar.py"),
    ("the time of a paused run", "publish/runs.py", 'statistics.median(time for _, time in kind)', 'statistics.mean(time for _, time in kind)',
     "test_publish.py"),
    ("the time of a run leaves out its tests", "publish/runs.py", 'after["test_error"] is None', "None", "test_publish.py"),
    ("a test replaces that of other weights", "score.py",
     "run_files.check_tests(arguments.output, [rule + qualifier for rule in rules], weights, dataset)", "pass", "test_score.py"),
    ("an export replaces another network", "score.py", "training.export.check_free(place, arguments.export, weights, bool(arguments.output))", "pass",
     "test_score.py"),
    ("a network is checked with one image", "symbols/checks.py", "data=(2, 3, size, size)", "data=(1, 3, size, size)",
     "test_contract.py"),
    ("a better network agrees with a worse one of the paper", "publish/runs.py", "difference if worse else -difference",
     "difference", "test_publish.py"),
    ("seeds of another version are another curve", "paper/configuration.py", "{**DEFAULTS, **config", "{**config",
     "test_plots.py"),
    ("the paper's curve connects the ends of a gap", "paper/digitized.py", "if step > GAP * usual", "if False", "test_plots.py"),
    ("a long legend leaves the figure", "plots/curves.py", "if _width(text) <= room", "if True", "test_plots.py"),
    ("a run under two spellings counts twice", "plots/compare.py", "{path.resolve(): path", "{path: path", "test_compare.py"),
    ("a figure shows the original network alone, four times", "plots/curve_figures.py",
     "if own - common]", "if own]", "test_drawing.py"),
    ("an option that changes nothing goes through", "symbols/network_options.py",
     "if is_same(named, replace(named, **changes), family, image_size):", "if False:", "test_mistakes.py"),
    ("a constant of later units is rejected", "symbols/network_options.py", "return symbol.tojson() == graph_text(other, family, image_size)",
     "return True", "test_contract.py"),
    ("an unused constant goes through", "symbols/network_options.py", "for key in unusual(f\"{axis}s\", variant, values):", "for key in ():",
     "test_contract.py"),
    ("swapped parameters of a variant go through", "symbols/contract.py", "or is_swapped or", "or", "test_contract.py"),
    ("a network without residual functions goes through", "symbols/checks.py", "outputs.isdisjoint(variants.residuals)", "False", "test_contract.py"),
    ("an ignored shortcut goes through", "symbols/checks.py", 'if not variants.residuals and shortcut != "identity":', "if False:", "test_contract.py"),
    ("an initial value that does not fit goes through", "symbols/checks.py", "            if init:\n", "            if False:\n", "test_contract.py"),
    ("a deleted unit keeps a branch of F", "analysis/units.py", "if any(is_around(source) for source, _ in computed_inputs(reader)):", "if len(computed_inputs(reader)) > 1:", "test_lesion.py"),
    ("the learning rate of a warm-up without iterations goes through", "training/options.py",
     'if arguments.warmup_learning_rate is not None and not resolved.warmup_iterations:', "if False:", "test_mistakes.py"),
    ("negative steps go through", "training/recipe.py", "if min(self.steps, default=0) < 0:", "if False:", "test_mistakes.py"),
    ("options that runs ignore name a measurement", PROPAGATION, "if value != parser().get_default(option):", "if False:",
     "test_propagation.py"),
    ("a figure's axis of losses has no tick", "plots/ranges.py", "else (1, 1.5, 2, 3, 5, 7)", "else (7,)", "test_plots.py"),
]]
# fmt: on


def run_tests(folder, tests):
    """(name of the first failed test or None, seconds)"""
    began = time.monotonic()
    paths = [next(folder.glob(f"tests/*/{test}")).relative_to(folder) for test in tests]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *map(str, paths)],
        cwd=folder,
        text=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    failed = re.search(r"^(?:FAILED|ERROR) tests/(\S+)", done.stdout, re.MULTILINE)
    if done.returncode and not failed:
        failed = re.search(r"(.*)", done.stdout.strip().splitlines()[-1])
    return failed and failed.group(1).rpartition("/")[2][:70], time.monotonic() - began


def copy(folder):
    """Copy all files that git tracks or does not ignore into a new folder."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def caught(mutant):
    """(name of the test that fails on the mutant or None, seconds)"""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy(folder)
        source = (folder / mutant.file).read_text()
        assert source.count(mutant.right) == 1, f"{mutant.mistake}: {mutant.file}"
        (folder / mutant.file).write_text(source.replace(mutant.right, mutant.wrong))
        return run_tests(folder, mutant.tests.split())


def main():
    words = sys.argv[1:] or [""]
    selected = [mutant for mutant in MUTANTS if any(word in mutant.mistake for word in words)]
    if not selected:
        sys.exit(f"no mutant is called {' or '.join(words)}")
    with tempfile.TemporaryDirectory() as name:
        copy(Path(name))
        tests = {test for mutant in selected for test in mutant.tests.split()}
        failed, _ = run_tests(Path(name), sorted(tests))
    if failed:
        sys.exit(f"without any mutant {failed} fails already: fix that first (make test)")
    survived = 0
    print(f"{'mistake':<58} {'caught by':<72} seconds")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, (test, seconds) in zip(selected, pool.map(caught, selected)):
            print(f"{mutant.mistake:<58} {test or 'NOT CAUGHT':<72} {seconds:7.0f}", flush=True)
            survived += not test
    print(f"{len(selected) - survived} of {len(selected)} caught")
    return bool(survived)


if __name__ == "__main__":
    sys.exit(main())
