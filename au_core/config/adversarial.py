"""Algorithm 1."""

from dataclasses import dataclass

from au_core.config.checks import require


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
    weight_decay: float = 0.0
    """Decay of R's weights apart from the gradients (AdamW; Loshchilov & Hutter 2019); 0 is Adam exactly."""
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
    hard: bool = False
    """D sees these samples as 0 or 1, as labels are; gradients pass as if it saw the samples themselves
    (straight-through)."""
    class_weighted: bool = False
    """Weigh Eq. 5 so that present and absent count alike for every AU; else plain, as in the paper."""
    label_prior: str | None = None
    """Parquet or CSV of AU vectors without faces, from which D draws a share of its real labels too: columns
    AU1, AU12, ..., in them 0, 1, or 9 or nothing where not coded. By a column ``subject``, rows of people who
    are held out are left out."""
    prior_share: float = 0.5
    """Share of D's real vectors taken from the label prior, where one is given."""

    @property
    def m(self) -> int:
        """Faces in a batch (m = m1 + m2)."""
        return self.m1 + self.m2

    def check_workers(self, workers: int) -> None:
        """Raise ConfigError unless every worker gets as many faces of each kind as any other."""
        require(
            self.m1 % workers == self.m2 % workers == 0,
            f"m1 = {self.m1} and m2 = {self.m2} must be divisible by the {workers} workers",
        )

    def __post_init__(self) -> None:
        require(0 <= self.alpha < 1, f"alpha must be in [0, 1), got {self.alpha}")
        require(min(self.h_d, self.h_r) >= 1, f"h_d and h_r must be >= 1, got {self.h_d} and {self.h_r}")
        require(self.m1 >= 1 and self.m2 >= 0, f"m1 must be >= 1 and m2 >= 0, got {self.m1} and {self.m2}")
        require(self.steps >= 1, f"steps must be >= 1, got {self.steps}")
        require(min(self.lr_r, self.lr_d) > 0, f"learning rates must be > 0, got {self.lr_r}, {self.lr_d}")
        require(self.weight_decay >= 0, f"weight_decay must be >= 0, got {self.weight_decay}")
        require(self.hidden >= 1, f"hidden must be >= 1, got {self.hidden}")
        require(
            not self.reuse_batch or self.h_d == self.h_r == 1,
            f"reuse_batch needs h_d = h_r = 1, got {self.h_d} and {self.h_r}",
        )
        require(
            0 <= self.label_smoothing < 0.5,
            f"label_smoothing must be in [0, 0.5), got {self.label_smoothing}",
        )
        require(
            min(self.noise, self.relaxed) >= 0,
            f"noise and relaxed must be >= 0, got {self.noise}, {self.relaxed}",
        )
        require(self.relaxed > 0 or not self.hard, "hard needs a temperature, such as relaxed = 0.5")
        require(0 < self.prior_share <= 1, f"prior_share must be in (0, 1], got {self.prior_share}")
