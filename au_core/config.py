"""Every setting of the project: frozen dataclasses, each field explained, each value checked once, here."""

from dataclasses import dataclass, field
from pathlib import Path

from au_core.aus import BP4D, DatasetSpec
from au_core.data.layouts import LAYOUTS
from au_core.errors import ConfigError

SCHEMES = ("frame", "entry", "sequence", "subject")
"""What goes missing as one: see ``au_core.data.masking``."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class PreprocessConfig:
    """From a source frame to an aligned face. Recorded in the metadata of every Parquet file."""

    detector: str = "dataset"
    """Where the three points come from: ``dataset`` (its landmark files), ``yunet`` (fetched once, checked
    by SHA-256), or the path of a YuNet model file."""
    size: int = 224
    """Edge of the aligned face in pixels."""
    min_confidence: float = 0.6
    """Lowest YuNet score that counts as a face; 0.5 gives 3 false ones in 320 faceless frames, 0.6 none."""
    detect_side: int = 640
    """Longest side of the copy the detector looks at; 320 is four times faster and enough for large faces."""
    all_faces: bool = False
    """Keep every face of a frame, not only the largest and most central one (``face_id`` 0); the layout
    ``videos`` does unless told not to."""
    jpeg_quality: int = 95
    """Quality of the stored face."""
    camera: str = "left"
    """DISFA's camera: ``left`` or ``right``."""
    keep_bad_landmarks: bool = False
    """Keep the 4,670 DISFA frames whose landmarks are known to be wrong, which JAA-Net's lists leave out."""
    min_brightness: float = 20.0
    """Mean grey value of a face (or of a frame without one) below which it is flagged ``dark``."""
    min_sharpness: float = 12.0
    """Variance of the Laplacian of a face at 224 pixels below which it is flagged ``blurred``: faces of real
    clips had 54 to 110, the same blurred by two pixels 5 to 10, those with eyes 9 to 33 pixels apart 2 to 8.
    """
    max_angle: float = 40.0
    """Degrees of yaw or roll above which a face is flagged ``extreme_pose``; at 40 the nose hides an eye."""
    max_disagreement: float = 0.25
    """Mean distance, in eye distances, of a dataset's landmarks from the detector's points above which a face
    is flagged ``landmarks_differ``."""

    def __post_init__(self) -> None:
        _require(self.size >= 16, f"size must be at least 16 pixels, got {self.size}")
        _require(0 < self.min_confidence < 1, f"min_confidence must be in (0, 1), got {self.min_confidence}")
        _require(self.detect_side >= 64, f"detect_side must be at least 64 pixels, got {self.detect_side}")
        _require(1 <= self.jpeg_quality <= 100, f"jpeg_quality must be in [1, 100], got {self.jpeg_quality}")
        _require(self.camera in ("left", "right"), f"camera must be left or right, got {self.camera!r}")
        _require(
            0 <= self.min_brightness < 256, f"min_brightness must be in [0, 256), got {self.min_brightness}"
        )
        _require(self.min_sharpness >= 0, f"min_sharpness must be >= 0, got {self.min_sharpness}")
        _require(0 < self.max_angle <= 180, f"max_angle must be in (0, 180], got {self.max_angle}")
        _require(self.max_disagreement > 0, f"max_disagreement must be > 0, got {self.max_disagreement}")


TWIN_SIZES = {"bp4d": (41, 8), "disfa": (27, 1)}
"""Layouts the twin is drawn in, with the most subjects, and sequences of each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntheticConfig:
    """Size of the drawn dataset (the twin); subjects are the real ids, spread evenly over the three parts."""

    layout: str = "bp4d"
    """``bp4d`` or ``disfa``."""
    subjects: int = 41
    """How many people: at most 41 (BP4D) or 27 (DISFA)."""
    sequences: int = 8
    """Sequences of each person: at most 8 (BP4D's tasks T1-T8); DISFA has one."""
    frames: int = 450
    """Coded frames of each sequence."""
    seed: int = 0
    """Same seed, same bytes."""
    difficulty: float = 1.0
    """How hard the faces are to read: 0 clean, 1 about as BP4D is to a network, up to 3. Scales, in
    one, what ``au_core/data/synthetic/CARD.md`` lists: look-alikes at rest, faint AUs, camera, annotators."""

    def __post_init__(self) -> None:
        _require(self.layout in TWIN_SIZES, f"layout must be bp4d or disfa, got {self.layout!r}")
        people, sequences = TWIN_SIZES[self.layout]
        _require(
            3 <= self.subjects <= people,
            f"subjects must be in [3, {people}] for {self.layout}, got {self.subjects}",
        )
        _require(
            1 <= self.sequences <= sequences,
            f"sequences must be in [1, {sequences}] for {self.layout}, got {self.sequences}",
        )
        _require(self.frames >= 1, f"frames must be at least 1, got {self.frames}")
        _require(0 <= self.difficulty <= 3, f"difficulty must be in [0, 3], got {self.difficulty:g}")

    @property
    def dataset(self) -> str:
        """The dataset it is drawn like, as ``facts/*.json`` name it."""
        spec = LAYOUTS[self.layout].spec
        assert spec is not None, "the twin's layouts are each of one dataset"
        return spec.name


@dataclass(frozen=True, kw_only=True, slots=True)
class AdversarialConfig:
    """The knobs of Algorithm 1, named as in the paper."""

    alpha: float = 0.01
    """Weight of the adversarial term in Eq. 4; 0 is the O-wlc baseline."""
    h_d: int = 1
    """Discriminator updates per step (H_D)."""
    h_r: int = 1
    """Recognizer updates per step (H_R)."""
    m1: int = 32
    """Labelled faces in a batch."""
    m2: int = 32
    """Unlabelled faces in a batch; where T2 has fewer, or not 1 % of all faces, all m are labelled."""
    steps: int = 20_000
    """Steps of Algorithm 1 (K)."""
    lr_r: float = 1e-4
    """Adam's learning rate for R."""
    lr_d: float = 1e-4
    """Adam's learning rate for D."""
    hidden: int = 64
    """Width of D's two hidden layers."""
    reuse_batch: bool = False
    """One batch for both updates of a step (H_D = H_R = 1): R looks once, not twice; see PAPER.md."""
    label_smoothing: float = 0.0
    """Share by which D's real targets fall short of 1 (0: the paper's form)."""
    noise: float = 0.0
    """Standard deviation of normal noise on D's input (0: the paper's form)."""
    spectral: bool = False
    """Spectral normalisation of D's layers."""
    relaxed: float = 0.0
    """Temperature of the relaxed Bernoulli samples of R's predictions that D sees; 0: the probabilities."""
    class_weighted: bool = False
    """Weigh Eq. 5 so that present and absent count alike for every AU; else plain, as in the paper."""
    label_prior: str | None = None
    """Parquet or CSV of AU vectors without faces, from which D draws a share of its real labels too: columns
    AU1, AU12, ..., in them 0, 1, or 9 or nothing where not coded."""
    prior_share: float = 0.5
    """Share of D's real vectors taken from the label prior, where one is given."""

    @property
    def m(self) -> int:
        """Faces in a batch (m = m1 + m2)."""
        return self.m1 + self.m2

    def check_workers(self, workers: int) -> None:
        """Raise ConfigError unless every worker gets as many faces of each kind as any other."""
        _require(
            self.m1 % workers == self.m2 % workers == 0,
            f"m1 = {self.m1} and m2 = {self.m2} must be divisible by the {workers} workers",
        )

    def __post_init__(self) -> None:
        _require(0 <= self.alpha < 1, f"alpha must be in [0, 1), got {self.alpha}")
        _require(min(self.h_d, self.h_r) >= 1, f"h_d and h_r must be >= 1, got {self.h_d} and {self.h_r}")
        _require(self.m1 >= 1 and self.m2 >= 0, f"m1 must be >= 1 and m2 >= 0, got {self.m1} and {self.m2}")
        _require(self.steps >= 1, f"steps must be >= 1, got {self.steps}")
        _require(min(self.lr_r, self.lr_d) > 0, f"learning rates must be > 0, got {self.lr_r}, {self.lr_d}")
        _require(self.hidden >= 1, f"hidden must be >= 1, got {self.hidden}")
        _require(
            not self.reuse_batch or self.h_d == self.h_r == 1,
            f"reuse_batch needs h_d = h_r = 1, got {self.h_d} and {self.h_r}",
        )
        _require(
            0 <= self.label_smoothing < 0.5,
            f"label_smoothing must be in [0, 0.5), got {self.label_smoothing}",
        )
        _require(
            min(self.noise, self.relaxed) >= 0,
            f"noise and relaxed must be >= 0, got {self.noise}, {self.relaxed}",
        )
        _require(0 < self.prior_share <= 1, f"prior_share must be in (0, 1], got {self.prior_share}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """What the paper leaves open about a training: network, precision, augmentation, validation."""

    backbone: str = "resnet50"
    """A classification network of torchvision by its name (not ``googlenet`` or ``inception_v3``, which have
    more than one classifier), or ``resnet10`` (for the demo)."""
    weights: str | None = None
    """Initial weights: a torchvision name such as ``IMAGENET1K_V2``, a local state_dict file, or none."""
    input_size: int = 224
    """Edge R sees; stored faces of another size are resized."""
    precision: str = "auto"
    """``bf16``, ``fp32``, or ``auto``: bf16 where it is faster, on GPUs and CPUs with AMX."""
    augment: bool = True
    """Mirror, shift and relight training faces at random."""
    turn: float = 0.0
    """With ``augment``, turn faces by up to this many degrees as well: where a detector placed them roughly.
    Takes as long as decoding a face (``tests/benchmarks/feeding.py --turn 8``)."""
    zoom: float = 0.0
    """With ``augment``, zoom faces by exp(-zoom) to exp(zoom) as well, at the same cost."""
    decay: bool = True
    """Let both learning rates fall to zero along half a cosine; else they stay as they are."""
    sync_batch_norm: bool = False
    """Batch norm over all workers' faces together, two small messages a layer; else per worker, as usual."""
    report_every: int = 1_000
    """Steps between two validations, each with a checkpoint."""
    validation_subjects: float = 0.15
    """Share of a fold's training subjects that is set aside to choose epoch and thresholds (at least 1)."""

    def __post_init__(self) -> None:
        _require(
            self.precision in ("auto", "bf16", "fp32"),
            f"precision must be auto, bf16 or fp32, got {self.precision!r}",
        )
        _require(self.input_size >= 32, f"input_size must be at least 32, got {self.input_size}")
        _require(
            not self.backbone.startswith(("vit_", "maxvit_")) or self.input_size == 224,
            f"{self.backbone} sees 224 pixels alone, got input_size {self.input_size}",
        )
        _require(0 <= self.turn <= 45, f"turn must be in [0, 45] degrees, got {self.turn:g}")
        _require(0 <= self.zoom <= 0.5, f"zoom must be in [0, 0.5], got {self.zoom:g}")
        _require(self.report_every >= 1, f"report_every must be >= 1, got {self.report_every}")
        _require(
            0 < self.validation_subjects < 1,
            f"validation_subjects must be in (0, 1), got {self.validation_subjects}",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingConfig:
    """How much of the cluster one training takes."""

    workers: int = 1
    """DDP workers of one training."""
    cpus_per_worker: int = 1
    """CPU cores of each worker: its threads; with a GPU about as many processes decode faces for it."""
    gpu: bool = False
    """Give each worker a GPU."""
    ahead: int = 2
    """Batches of a kind that are decoded before they are needed; these and one more of each kind are all
    pictures that a worker holds in memory. With a GPU each process that decodes makes one at least."""

    @property
    def decoders(self) -> int:
        """Processes that decode faces, of each of the two kinds of batches; none without a GPU."""
        return max(1, self.cpus_per_worker // 2) if self.gpu else 0

    def __post_init__(self) -> None:
        _require(
            min(self.workers, self.cpus_per_worker) >= 1,
            f"workers and cpus_per_worker must be >= 1, got {self.workers} and {self.cpus_per_worker}",
        )
        _require(0 <= self.ahead <= 64, f"ahead must be in [0, 64], got {self.ahead}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExperimentConfig:
    """One execution of the protocol: a dataset, its folds, and every training on them."""

    name: str
    """The recipe's name; also the MLflow experiment."""
    spec: DatasetSpec = BP4D
    """AUs to recognise."""
    layout: str = "bp4d"
    """On-disk layout of ``--data``."""
    protocol: str = "three_fold"
    """``three_fold``, ``hashed_three_fold``, ``train_dev`` or ``60_20_20``."""
    methods: tuple[str, ...] = ("ours", "o_wlc")
    """Methods to train, by their names in ``au_core.methods``."""
    missing_rates: tuple[float, ...] = (0.0,)
    """Shares of the training labels to hide."""
    missing_scheme: str = "frame"
    """What is hidden as one: ``frame`` (the paper's T1 and T2), ``entry``, ``sequence`` or ``subject``."""
    seeds: tuple[int, ...] = (0,)
    """Each repeats everything with other initial weights, batches and hidden labels."""
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    adversarial: AdversarialConfig = field(default_factory=AdversarialConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    scaling: ScalingConfig = field(default_factory=ScalingConfig)
    synthetic: SyntheticConfig | None = None
    """The drawn dataset to use when no ``--data`` is given; None: data is required."""

    def __post_init__(self) -> None:
        _require(self.layout in LAYOUTS, f"layout must be one of {', '.join(LAYOUTS)}, got {self.layout!r}")
        check_scheme(self.missing_scheme)
        for rate in self.missing_rates:
            check_rate(rate)
        self.adversarial.check_workers(self.scaling.workers)


def is_weights_file(weights: str) -> bool:
    """Whether initial weights are a file's; else torchvision's, by a name of its own."""
    return Path(weights).suffix in (".pth", ".pt", ".safetensors")


def check_rate(rate: float) -> None:
    """Raise ConfigError unless a missing rate is in [0, 1)."""
    _require(0 <= rate < 1, f"missing rate must be in [0, 1), got {rate}")


def check_scheme(scheme: str) -> None:
    """Raise ConfigError unless a missing-label scheme is known."""
    _require(scheme in SCHEMES, f"missing scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
