"""How much single hidden frames of a video hide: how often the nearest frame with labels has the same ones.

uv run tests/benchmarks/hidden_frames.py --frames 24 450
"""

import argparse

import numpy as np

from au_core.aus import BP4D
from au_core.config import SyntheticConfig
from au_core.data.masking import is_labelled
from au_core.data.synthetic.expression import AUS
from au_core.data.synthetic.film import play
from au_core.data.synthetic.write import plan_sequences


def main() -> None:
    """Print a line for each length of the twin's sequences and missing rate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[24, 450], help="of each sequence")
    for frames in parser.parse_args().frames:
        films = labels_of(SyntheticConfig(frames=frames))
        for rate in (0.5, 0.9):
            same = np.concatenate([told_by_neighbours(name, y, rate) for name, y in films.items()])
            print(f"{frames} frames, {rate:.0%} hidden: {same.mean():.1%} of {len(same):,} have the same")


def labels_of(cfg: SyntheticConfig) -> dict[str, np.ndarray]:
    """``bool[N, L]`` of each sequence of the twin, by its name; no picture is drawn."""
    columns = [AUS.index(au) for au in BP4D.aus]
    return {
        f"{cfg.dataset}/{subject}/{sequence}": play(cfg, subject, sequence).codes[:, columns] >= 2
        for subject, sequence in plan_sequences(cfg)
    }


def told_by_neighbours(name: str, y: np.ndarray, rate: float) -> np.ndarray:
    """Of each hidden frame: whether the nearest of its sequence that kept its labels has all the same."""
    kept = is_labelled((f"{name}/{frame}/0" for frame in range(len(y))), rate, seed=0)
    hidden, visible = np.flatnonzero(~kept), np.flatnonzero(kept)
    if not visible.size:
        return np.zeros(len(hidden), bool)
    nearest = visible[np.abs(hidden[:, None] - visible).argmin(axis=1)]
    return (y[nearest] == y[hidden]).all(axis=1)


if __name__ == "__main__":
    main()
