"""From faces to probabilities: the one way R is applied, in validation, evaluation and on video."""

import numpy as np
import torch

from au_core.models.recognizer import Recognizer


def predict_faces(recognizer: Recognizer, faces: np.ndarray, batch: int = 64) -> np.ndarray:
    """Probabilities ``float32[N, L]`` of ``faces[N, H, W, 3]`` uint8 RGB, in float32 on R's own device."""
    device = recognizer.head.weight.device
    was_training = recognizer.training
    recognizer.eval()
    try:
        return np.concatenate([_predict_batch(recognizer, part, device) for part in _parts(faces, batch)])
    finally:
        recognizer.train(was_training)


@torch.inference_mode()
def _predict_batch(recognizer: Recognizer, faces: np.ndarray, device: torch.device) -> np.ndarray:
    x = torch.from_numpy(np.ascontiguousarray(faces)).to(device).permute(0, 3, 1, 2)  # [B, 3, H, W]
    return recognizer(x).sigmoid().float().cpu().numpy()


def _parts(faces: np.ndarray, batch: int) -> list[np.ndarray]:
    return [faces[start : start + batch] for start in range(0, len(faces), batch)] or [faces]
