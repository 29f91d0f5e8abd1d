"""What an unreachable MLflow server costs a training: seconds until a command goes on without.

uv run tests/benchmarks/lost_mlflow.py
"""

import os
import socket
import tempfile
import time
from pathlib import Path

from pipelines.machinery.tracking import Tracking


def delay(uri: str) -> float:
    """Seconds until tracking at ``uri`` is given up."""
    os.environ["MLFLOW_TRACKING_URI"] = uri
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        tracking = Tracking(Path(out), "toy", {})
        assert tracking.off, f"{uri} answered"
        return time.perf_counter() - started


def main() -> None:
    import mlflow  # noqa: F401  (its import is no part of the delay)

    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = f"http://127.0.0.1:{server.getsockname()[1]}"
        print(f"refuses: {delay('http://127.0.0.1:9'):.1f} s, never answers: {delay(silent):.1f} s")


if __name__ == "__main__":
    main()
