"""The commands, each a file with one ``main()``; with ``tune_spaces`` they alone know Ray and MLflow."""

import os

from au_core import MAX_PIXELS

# OpenCV reads these when it is imported; a program that only uses the library keeps its own.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # damaged files are reported once, by us
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
# Started by `uv run`, Ray would zip the current folder (data and results included) and rebuild the
# environment in every worker. Must be set before ray is first imported.
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
# A local Ray replaces 127.0.0.1 by this machine's address in the network and listens on all interfaces; with
# this setting it, and what it starts, keeps to loopback. Must be set before ray is first imported.
if not os.environ.get("RAY_ADDRESS"):
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
# A thread that is about to train when Ctrl-C ends Ray would start another: whatever asks Ray connects first.
os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
# How often Ray Train looks after its workers: the default of 2 s would dominate the end of short trainings.
os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
# It would warn workers of a node that is about to go; ours go on from a checkpoint, warned or not.
os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")
# Tune's tables would drown the one line a trial that says something.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
