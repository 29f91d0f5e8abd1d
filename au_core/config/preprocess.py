"""From a source frame to an aligned face."""

from dataclasses import dataclass

from au_core.config.checks import require


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
    """Keep the 4,670 DISFA frames whose landmarks are known to be wrong, which JAA-Net's lists leave out;
    with a detector they are kept anyway."""
    uncoded: int = 0
    """Of the frames that nobody coded every so many-th joins T2: 1 for all, 0 for none. BP4D, BP4D+ (whole
    tasks, too) and a manifest's videos have such."""
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
        require(self.size >= 16, f"size must be at least 16 pixels, got {self.size}")
        require(0 < self.min_confidence < 1, f"min_confidence must be in (0, 1), got {self.min_confidence}")
        require(self.detect_side >= 64, f"detect_side must be at least 64 pixels, got {self.detect_side}")
        require(1 <= self.jpeg_quality <= 100, f"jpeg_quality must be in [1, 100], got {self.jpeg_quality}")
        require(self.camera in ("left", "right"), f"camera must be left or right, got {self.camera!r}")
        require(self.uncoded >= 0, f"uncoded must be >= 0, got {self.uncoded}")
        require(
            0 <= self.min_brightness < 256, f"min_brightness must be in [0, 256), got {self.min_brightness}"
        )
        require(self.min_sharpness >= 0, f"min_sharpness must be >= 0, got {self.min_sharpness}")
        require(0 < self.max_angle <= 180, f"max_angle must be in (0, 180], got {self.max_angle}")
        require(self.max_disagreement > 0, f"max_disagreement must be > 0, got {self.max_disagreement}")
