"""cluster.yaml against Ray's own schema, and what must hold for it to be safe and to work."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from ray.autoscaler._private.aws import config as aws
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.pipelines.processes import LIMIT

ROOT = Path(__file__).parents[1]
PROJECT = ("au_core", "pipelines", "tune_spaces", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture
def cluster() -> dict:
    return yaml.safe_load((ROOT / "cluster.yaml").read_text())


def starts(cluster: dict) -> list[str]:
    commands = cluster["head_start_ray_commands"] + cluster["worker_start_ray_commands"]
    return [command for command in commands if "ray start" in command]


def test_ray_accepts_it(cluster):
    validate_config(prepare_config(cluster))


def test_a_misspelt_key_would_be_refused(cluster):
    with pytest.raises(Exception, match="setup_comands"):
        validate_config({**prepare_config(cluster), "setup_comands": []})


def test_nobody_comes_in_without_a_token_and_the_dashboard_is_not_public(cluster):
    assert len(starts(cluster)) == 2
    assert all("RAY_AUTH_MODE=token" in command for command in starts(cluster))
    assert "--dashboard-host=127.0.0.1" in starts(cluster)[0]
    assert not any("0.0.0.0" in command for command in starts(cluster))


def test_ray_makes_no_security_group(cluster):
    """One that it makes lets SSH in from everywhere."""
    assert "security_group" not in cluster["provider"]
    assert aws._create_default_ssh_inbound_rules()[0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}], "still so?"
    config = prepare_config(cluster)
    assert aws._configure_security_group(config) is config  # the nodes' own groups are left alone
    for node in cluster["available_node_types"].values():
        assert len(node["node_config"]["SecurityGroupIds"]) == 1


def test_every_node_asks_for_signed_metadata_requests(cluster):
    for node in cluster["available_node_types"].values():
        assert node["node_config"]["MetadataOptions"]["HttpTokens"] == "required"


def test_nothing_but_the_project_and_the_token_is_uploaded(cluster):
    """A clone holds whatever people put there: ``my/pictures``, ``OUT``, ``BP4D``."""
    assert cluster["file_mounts"] == {f"~/app/{name}": f"./{name}" for name in PROJECT} | {
        "~/.ray/auth_token": "./secrets/auth_token"
    }
    assert cluster["rsync_exclude"] == ["**/__pycache__"], "such as **/data would take au_core/data with it"


def test_what_is_uploaded_is_all_that_the_package_is_built_from():
    with (ROOT / "pyproject.toml").open("rb") as file:
        config = tomllib.load(file)
    packages = config["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {"pyproject.toml", config["project"]["readme"], *config["project"]["license-files"], *packages}
    assert set(PROJECT) == needed and all((ROOT / name).exists() for name in needed)


def test_nodes_get_what_starts_machines_but_not_what_tests_and_checks_need(cluster):
    """Pyright alone brings Node.js."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        config = tomllib.load(file)
    (install,) = (command for command in cluster["setup_commands"] if "uv sync" in command)
    assert "--no-dev" in install.split() and "--no-default-groups" not in install
    assert "cluster" in config["tool"]["uv"]["default-groups"]
    assert config["dependency-groups"]["cluster"][0].startswith("boto3")


def test_the_head_trains_nothing_and_gpu_nodes_come_and_go(cluster):
    types = cluster["available_node_types"]
    assert types[cluster["head_node_type"]]["resources"]["CPU"] == 0
    assert types["gpu"]["min_workers"] == 0 < types["gpu"]["max_workers"] <= cluster["max_workers"]


def test_shell_commands_parse(cluster):
    for key in (
        "setup_commands",
        "head_setup_commands",
        "head_start_ray_commands",
        "worker_start_ray_commands",
    ):
        for command in cluster[key]:
            done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr


def test_the_environment_is_set_once_and_found_by_a_login_shell(cluster, tmp_path):
    (tmp_path / ".bashrc").write_text("case $- in *i*) ;; *) return;; esac\n")
    home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    setting = [command for command in cluster["setup_commands"] if "au_env" in command]
    for command in setting * 2:
        subprocess.run(["bash", "-c", command], env=home, check=True)
    assert (tmp_path / ".bashrc").read_text().count("au_env") == 1
    show = "source ~/.bashrc; echo $AU_OUT $RAY_ADDRESS $RAY_AUTH_MODE $MLFLOW_TRACKING_URI $PATH"
    found = subprocess.run(["bash", "-c", show], env=home, capture_output=True, text=True, check=True).stdout
    assert found.split()[:4] == ["/mnt/shared/out", "auto", "token", f"sqlite:///{tmp_path}/mlflow.db"]
    assert found.split()[4].startswith(f"{tmp_path}/app/.venv/bin:")


def test_a_submitted_script_runs_alone_in_another_folder(tmp_path):
    """``ray submit`` copies one file to the head's home and runs it there: imports come from the package."""
    script = tmp_path / "full_protocol.py"
    script.write_bytes((ROOT / "pipelines" / "full_protocol.py").read_bytes())
    done = subprocess.run(
        [sys.executable, script, "--recipe", "nope"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LIMIT,
    )  # fmt: skip
    assert done.returncode == 2 and "unknown recipe 'nope'" in done.stderr


def test_the_file_names_no_real_account(cluster):
    text = (ROOT / "cluster.yaml").read_text()
    assert not re.search(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b", text)
