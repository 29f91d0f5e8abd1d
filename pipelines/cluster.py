"""Joining Ray: a running cluster where there is one, this machine alone otherwise."""

import logging
import os
import sys
from types import ModuleType

from au_core.config import ScalingConfig
from au_core.errors import ConfigError

TRIAL_SLOT = "trial_slot"
"""What a Tune trial holds instead of a CPU, which its training needs; cluster.yaml gives the head some."""
LOCAL_OBJECT_STORE = 256 * 2**20
"""Bytes of shared memory for a local Ray: only status rows travel, faces go through Parquet files."""


def ray_data() -> ModuleType:
    """Ray Data, which leaves the telling of progress to us."""
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False  # one line of our own says more
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # which importing ray.data has set itself
    return ray.data


def check_gpu(scaling: ScalingConfig) -> None:
    """Make sure that a training that asks for a GPU will not wait for one that never comes.

    Raises:
        ConfigError: it would run on this machine, which has none. A cluster may start nodes when asked.
    """
    import torch

    if scaling.gpu and not os.environ.get("RAY_ADDRESS") and not torch.cuda.is_available():
        raise ConfigError(
            "the recipe asks for a GPU for each training, and this machine has none; add --no-gpu to train "
            "on its cores (slow: see --backbone, --input-size, --steps), or use a cluster (cluster.yaml)"
        )


def connect() -> None:
    """Join the cluster named by ``RAY_ADDRESS``, else start Ray here, on loopback. Does nothing if joined.

    ``ray submit`` runs on the head node, where Ray's own bootstrap file names the cluster; ``RAY_ADDRESS``
    is set by cluster.yaml. Anything else is a laptop, which must not join a stranger's cluster by accident.
    """
    import ray

    if ray.is_initialized():
        return
    # Ray's C++ core warns on stderr of what its own libraries do (issue 53727); real errors are exceptions.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = os.environ.get("RAY_ADDRESS")
    if address:
        ray.init(address=address, **quiet)
    else:
        print("starting Ray on this machine", file=sys.stderr)
        ray.init(
            address="local",
            include_dashboard=False,
            _node_ip_address="127.0.0.1",
            resources={TRIAL_SLOT: os.cpu_count() or 1},
            object_store_memory=LOCAL_OBJECT_STORE,
            **quiet,
        )
