"""The two rules of the architecture: au_core knows no cluster, and imports go one way, along the data."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINE = """
au_core
au_core.errors
au_core.aus
au_core.data au_core.data.layouts
au_core.compare
au_core.config.checks
au_core.config.missing
au_core.config.preprocess
au_core.config.synthetic
au_core.config.adversarial
au_core.config.train
au_core.config.scaling
au_core.config.experiment
au_core.config
au_core.fold_plan
au_core.data.facts
au_core.data.names
au_core.data.files
au_core.data.locks
au_core.data.schema
au_core.run_folder
au_core.data.avi
au_core.data.video
au_core.data.uncoded
au_core.data.layouts.tree
au_core.data.layouts.bp4d
au_core.data.layouts.bp4d_plus
au_core.data.layouts.disfa
au_core.data.layouts.disfa_plus
au_core.data.layouts.lists
au_core.data.layouts.columns
au_core.data.layouts.table
au_core.data.layouts.manifest
au_core.data.layouts.videos
au_core.data.readers
au_core.data.provenance
au_core.data.synthetic
au_core.data.synthetic.anatomy
au_core.data.synthetic.expression
au_core.data.synthetic.events
au_core.data.synthetic.canvas
au_core.data.synthetic.person
au_core.data.synthetic.geometry
au_core.data.synthetic.relief
au_core.data.synthetic.skin
au_core.data.synthetic.scene
au_core.data.synthetic.features
au_core.data.synthetic.render
au_core.data.synthetic.film
au_core.data.synthetic.write
au_core.data.synthetic.sheet
au_core.face
au_core.face.align
au_core.face.yunet
au_core.face.detect
au_core.face.track
au_core.face.judge
au_core.face.rows
au_core.face.prepare
au_core.data.store
au_core.data.faces
au_core.data.batches
au_core.data.batches.augmentation
au_core.data.batches.feeding
au_core.data.batches.slots
au_core.data.batches.decoders
au_core.data.protocols
au_core.data.masking
au_core.data.prior
au_core.data.fold
au_core.data.census
au_core.data.batches.shuffle
au_core.data.batches.sampling
au_core.models
au_core.models.device
au_core.models.weights
au_core.models.recognizer
au_core.models.memory
au_core.models.discriminator
au_core.models.card
au_core.models.checkpoint
au_core.training
au_core.training.workers
au_core.training.losses
au_core.training.passive
au_core.training.game
au_core.training.adversarial
au_core.training.state
au_core.training.history
au_core.training.watch
au_core.methods
au_core.plans
au_core.recipes
au_core.evaluation
au_core.evaluation.metrics
au_core.evaluation.distributions
au_core.evaluation.scores
au_core.evaluation.predict
au_core.evaluation.elsewhere
au_core.training.loop
au_core.output
au_core.output.openface
au_core.output.shard
au_core.output.overlay
au_core.output.film
au_core.predictor
au_core.report
au_core.report.published
au_core.report.averages
au_core.report.run
au_core.report.people
au_core.report.results
au_core.report.coverage
au_core.report.blocks
au_core.report.tables
au_core.report.comparisons
au_core.report.paper
au_core.report.distances
au_core.report.drawing
au_core.report.figures
au_core.report.closeness
au_core.report.settings
au_core.report.notice
au_core.report.overview
au_core.report.page
au_core.report.survey
au_core.report.quality
tune_spaces.alpha
tune_spaces.discriminator
tune_spaces.updates
tune_spaces
pipelines pipelines.machinery
pipelines.machinery.points
pipelines.machinery.cli
pipelines.machinery.options
pipelines.machinery.nodes
pipelines.machinery.cluster
pipelines.machinery.tasks
pipelines.machinery.experiment
pipelines.machinery.arguments
pipelines.machinery.jobs
pipelines.machinery.sequences
pipelines.machinery.datasets
pipelines.machinery.finding
pipelines.machinery.tracking
pipelines.machinery.backend
pipelines.machinery.worker
pipelines.machinery.deaths
pipelines.machinery.group
pipelines.machinery.board
pipelines.machinery.runs
pipelines.make_synthetic
pipelines.preprocess
pipelines.evaluate
pipelines.report
pipelines.train_fold
pipelines.full_protocol
pipelines.sweep
pipelines.predict_video
pipelines.predict_folder
pipelines.cross_dataset
"""
"""Every module, in the order in which data passes; a module imports only from above itself."""
ORDER = {name: place for place, line in enumerate(LINE.split("\n")) for name in line.split()}
OWN = ("au_core", "pipelines", "tune_spaces")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    """Modules a file imports, also inside functions; ``from package import module`` counts as the module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {part if part in ORDER else node.module for part in parts}
    return found


SOURCES = sorted(path for package in OWN for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_imports_only_from_above_itself(path):
    name = name_of(path)
    assert name in ORDER, f"give {name} its place in the line of the data"
    for imported in imports_of(path):
        if imported.partition(".")[0] in OWN:
            assert ORDER[imported] < ORDER[name], f"{name} imports {imported}, which comes after it"


@pytest.mark.parametrize("path", [p for p in SOURCES if "au_core" in p.parts], ids=name_of)
def test_the_science_knows_no_cluster(path):
    assert not {module.partition(".")[0] for module in imports_of(path)} & {"ray", "mlflow"}


def test_the_line_names_only_modules_that_exist():
    assert set(ORDER) - {name_of(path) for path in SOURCES} == set()


def test_the_science_runs_without_ray_and_mlflow():
    code = (
        "import sys; sys.modules.update(ray=None, mlflow=None)\n"
        "import au_core.recipes, au_core.face.prepare, au_core.evaluation.predict, au_core.report.page\n"
        "import au_core.data.synthetic.write"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
