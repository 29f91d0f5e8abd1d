"""MLflow: a parent run per protocol, a child run per training, all read from the files the runs wrote.

Only the driver logs. A tracking server that cannot be reached costs one warning: scores are on disk first,
and what is missing is logged once it answers again, or by the next call of the same command. It is asked
every ten minutes and at the end; one that never answers is given up after ten seconds each time
(`tests/benchmarks/lost_mlflow.py`).
"""

import logging
import math
import os
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial, wraps
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from au_core.compare import content_of, digest_of, flattened
from au_core.data.files import read_json
from au_core.data.locks import held_alone
from au_core.fold_plan import FoldPlan
from au_core.run_folder import RunFolder, read_history

if TYPE_CHECKING:  # importing it takes a second
    from mlflow import MlflowClient
    from mlflow.entities import RunInfo

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Opens the experiment in MLflow's view for trainings."""
PATIENCE = 600.0
"""Seconds after which a server that failed is asked again, while trainings run."""
P = ParamSpec("P")


def tracking_uri(out: Path) -> str:
    """``MLFLOW_TRACKING_URI``, else a sqlite file in ``out``, in whose name a ``?`` or ``%`` is no sign."""
    path = str(out.absolute() / "mlflow.db").replace("%", "%25").replace("?", "%3F")
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{path}"


def without_password(text: str) -> str:
    """``text``, in whose addresses passwords are three stars: people show others what a command says.

    >>> without_password("postgresql://anna:secret@db/m"), without_password("sqlite:////me@work/mlflow.db")
    ('postgresql://anna:***@db/m', 'sqlite:////me@work/mlflow.db')
    """
    return re.sub(r"(://[^\s/:@]*):\S*@", r"\1:***@", text)


def _folder_of(uri: str) -> Path | None:
    """Where the sqlite file of ``uri`` lies, which other output folders may share; None of another store."""
    from sqlalchemy.engine import make_url

    file = make_url(uri).database if uri.startswith("sqlite") else None
    return Path(file).parent if file else None


Logs = Callable[Concatenate["Tracking", P], None]


def _never_fatal(log: Logs[P]) -> Logs[P]:
    """Turn a failure of MLflow into one warning; tracking is off for a while, what it misses is noted."""

    @wraps(log)
    def guarded(self: "Tracking", *args: P.args, **kwargs: P.kwargs) -> None:
        if self.off and monotonic() >= self.ask_again:
            self._catch_up()
        if not self.off:
            try:
                return log(self, *args, **kwargs)
            except Exception as error:  # whatever a server or database throws, training must go on
                self._give_up(error)
        self.missed[log, args, *kwargs.items()] = partial(guarded, self, *args, **kwargs)

    return guarded


def _told(error: Exception) -> str:
    return without_password(f"{type(error).__name__}: {' '.join(str(error).split())}")[:300]


class Tracking:
    """The MLflow runs of one protocol. Every call may be repeated: what is logged is not logged twice.

    As a context, it ends the protocol's run as what it encloses ended: finished, failed, or killed (Ctrl-C).
    """

    client: "MlflowClient"
    experiment: str
    parent: str
    """Run id of the protocol."""

    def __init__(self, out: Path, name: str, config: dict[str, Any]) -> None:
        self.uri, self.out, self.off, self.keeps_files = tracking_uri(out), out, False, True
        self.name, self.config, self.place = name, config, f"MLflow at {without_password(self.uri)}"
        self.missed: dict[tuple, Callable[[], None]] = {}
        """Calls that failed or were not made since, each once: a run is followed every second."""
        self.warned, self.ask_again = False, math.inf
        self.runs: dict[str, str] = {}
        """MLflow run id by the plan's digest."""
        self.logged: dict[str, int] = {}
        """Last step logged, by run id."""
        self._open()

    def __enter__(self) -> "Tracking":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        status = "FINISHED" if error is None else "FAILED" if isinstance(error, Exception) else "KILLED"
        if self.off and status == "KILLED":
            return  # nobody who interrupts waits for a server
        if self.off:
            self._catch_up()
        self._end(status)

    def _catch_up(self) -> None:
        """Log what was missed: in the days of a protocol a server may be restarted."""
        missed, self.missed = self.missed, {}
        self.off, self.keeps_files = False, True
        for call in missed.values():
            call()
        if not self.off:
            self.warned = False  # another failure would be news
            print(f"{self.place} answers again: what it missed is logged", file=sys.stderr)

    def _give_up(self, error: Exception) -> None:
        if not self.warned:
            words = "training goes on without it. Scores are on disk; they are logged as soon as it answers, "
            words += "else by the same command run again"
            print(f"warning: {self.place} failed ({_told(error)}); {words}", file=sys.stderr)
        self.off = self.warned = True
        self.ask_again = monotonic() + PATIENCE

    @_never_fatal
    def _end(self, status: str) -> None:
        for run in (*self.runs.values(), self.parent):
            if self.client.get_run(run).info.status == "RUNNING":
                self.client.set_terminated(run, status)

    @_never_fatal
    def _open(self) -> None:
        from mlflow import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # we say one line, not a trace
        artifacts = self.out.absolute() / "mlartifacts"
        ours = not self.uri.startswith(("http", "databricks"))  # a server has its own place for files
        # Two commands would make its tables at once.
        with held_alone(_folder_of(self.uri) or artifacts, wait=True) if ours else nullcontext():
            self.client = MlflowClient(self.uri)
            self.experiment = self._experiment(self.name, artifacts.as_uri() if ours else None)
        place = str(self.out.absolute())
        tags = {"protocol": digest_of([self.config, place]), "out": place}
        self.parent = self._find_or_create(f"protocol in {self.out}", "protocol", tags)
        self._log_params(self.parent, self.config)

    def _experiment(self, name: str, place: str | None) -> str:
        """Id of the experiment; a new one where ``OUT`` was moved, since files would go to the old place."""
        found = self.client.get_experiment_by_name(name)
        if found and not os.environ.get("MLFLOW_TRACKING_URI") and found.artifact_location != place:
            name = f"{name} in {self.out.absolute()}"
            found = self.client.get_experiment_by_name(name)
        if found and found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
        return found.experiment_id if found else self._new_experiment(name, place)

    def _new_experiment(self, name: str, place: str | None) -> str:
        """Id of an experiment that is not there, or that another command has just made."""
        from mlflow.exceptions import MlflowException

        try:
            return self.client.create_experiment(name, place, KIND)
        except MlflowException:
            if found := self.client.get_experiment_by_name(name):
                return found.experiment_id
            raise

    @_never_fatal
    def start(self, plan: FoldPlan, folder: RunFolder, **more_tags: str) -> None:
        """Open the child run of a training, or find the one it already has."""
        names = {"method": plan.method, "missing_rate": f"{plan.missing_rate:g}", "fold": str(plan.fold)}
        tags = {**names, "seed": str(plan.seed), "dataset": plan.spec.name, "plan": plan.digest}
        tags |= {"mlflow.parentRunId": self.parent, "folder": str(folder.path), **more_tags}
        config = read_json(folder.config)
        tags |= {"training": config["id"]}
        run = self._find_or_create(plan.label, "training", tags)  # the same plan can be trained elsewhere too
        self.runs[plan.digest] = run
        self.client.set_tag(run, "mlflow.parentRunId", self.parent)  # another protocol may have had it before
        history = self.client.get_metric_history(run, "train/loss_r")
        self.logged[run] = max((metric.step for metric in history), default=0)
        self._log_params(run, config["plan"])

    @_never_fatal
    def follow(self, plan: FoldPlan, folder: RunFolder) -> None:
        """Log the reports that are new in the history of a training."""
        from mlflow.entities import Metric

        run = self.runs[plan.digest]
        for line in read_history(folder.history):
            if line["step"] > self.logged[run]:
                stamp = int(line["time"] * 1000)
                values = {key: value for key, value in line.items() if "/" in key}
                metrics = [Metric(key, value, stamp, line["step"]) for key, value in values.items()]
                self.client.log_batch(run, metrics=metrics)
                self.logged[run] = line["step"]

    @_never_fatal
    def finish(self, plan: FoldPlan, folder: RunFolder) -> None:
        """Log the scores of an evaluated training and close its run."""
        from mlflow.entities import Metric

        self.follow(plan, folder)
        run, stamp = self.client.get_run(self.runs[plan.digest]), int(time() * 1000)
        content = content_of(folder.scores) if folder.scores.exists() else ""
        if run.info.status == "FINISHED" and run.data.tags.get("scores", "") == content:
            return
        if content:  # a sweep's trials have none: they are compared on validation subjects
            values = _test_metrics(read_json(folder.scores))
            metrics = [Metric(key, value, stamp, 0) for key, value in values.items() if value is not None]
            self.client.log_batch(run.info.run_id, metrics=metrics)
            self.client.set_tag(run.info.run_id, "scores", content)
        for file in (folder.config, folder.training_set, folder.machine, folder.scores):
            if file.exists():
                self._keep(run.info.run_id, file)
        self.client.set_terminated(run.info.run_id)

    def _keep(self, run: str, file: Path) -> None:
        """Log a file, once; where MLflow's files cannot be written, its numbers still are."""
        try:
            if self.keeps_files:
                self.client.log_artifact(run, str(file))
        except Exception as error:  # as above
            self.keeps_files = False
            print(f"warning: MLflow keeps no files ({_told(error)}); they are in {self.out}", file=sys.stderr)

    @_never_fatal
    def fail(self, plan: FoldPlan, reason: str) -> None:
        """Close the run of a training that could not go on, with its reason."""
        self.client.set_tag(self.runs[plan.digest], "error", reason[:500])
        self.client.set_terminated(self.runs[plan.digest], "FAILED")

    @_never_fatal
    def attach(self, report: Path | None = None, **tags: str) -> None:
        """Put a report and ``tags`` beside the protocol's run."""
        for key, value in tags.items():
            self.client.set_tag(self.parent, key, value)
        if report:
            self._keep(self.parent, report)

    def _find_or_create(self, name: str, key: str, tags: dict[str, str]) -> str:
        where = f"tags.{key} = '{tags[key]}'"
        found = self.client.search_runs([self.experiment], where, max_results=1)
        if found:
            return self._taken_up(found[0].info)
        return self.client.create_run(self.experiment, run_name=name, tags=tags).info.run_id

    def _taken_up(self, info: "RunInfo") -> str:
        """A run that is there already; it runs again if it had failed or was killed."""
        if info.status in ("FAILED", "KILLED"):
            self.client.update_run(info.run_id, "RUNNING")
            self.client.set_tag(info.run_id, "error", "")
        return info.run_id

    def _log_params(self, run: str, config: dict[str, Any]) -> None:
        from mlflow.entities import Param

        present = self.client.get_run(run).data.params
        params = [Param(key, text[:500]) for key, text in flattened(config).items() if key not in present]
        for start in range(0, len(params), 100):  # MLflow takes 100 at a time
            self.client.log_batch(run, params=params[start : start + 100])


def _test_metrics(scores: dict[str, Any]) -> dict[str, float | None]:
    """``test/f1_avg``, ``test/f1_AU01``, ... from a run's scores, and what else the report averages."""
    test = scores["test"]
    averages = {f"test/{key}": value for key, value in test.items() if key.endswith("_avg")}
    per_au = {f"test/{m}_{au}": v for m in ("f1", "auc", "accuracy") for au, v in test[m].items()}
    more = {
        "test/f1_avg_test_selected": scores["test_selected"]["f1_avg"],
        "test/accuracy_avg_at_half": scores["test_at_half"]["accuracy_avg"],
        "test/marginal_difference": scores["distributions"]["marginal_avg"],
        "test/conditional_difference": scores["distributions"]["conditional_avg"],
    }
    return {**averages, **per_au, **more}
