"""Finished steps used again: same code, parameters, inputs and environment give the same run."""

import ast
import hashlib
import inspect
import json
import platform
from collections.abc import Callable, Collection
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Run, RunTag

from steps.system_metrics import is_cost

ROOT = Path(__file__).resolve().parent.parent
KEY = "cache_key"
BODIES = ("body", "orelse", "finalbody", "handlers", "cases")  # of statements
CACHED_FROM = "cached_from"
# how a run is opened, watched and shown: no result depends on it
PLUMBING = {
    "cache",
    "console",
    "errors",
    "facts",
    "git",
    "locks",
    "model_card",
    "outage",
    "preflight",
    "provenance",
    "report",
    "runs",
    "signals",
    "stale",
    "system_metrics",
    "usage",
}


def key_of(step: str, **contents: Any) -> str:
    """Name the result of a step by everything that it depends on.

    Parameters
    ----------
    step : str
        Its module in ``steps``, whose code and imports of this project count.
    **contents
        JSON-ready: its parameters and inputs.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    parts = [step, code_sha256(step), environment_sha256(), contents]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def sources(step: str) -> list[Path]:
    """List a step's module and all modules of this project that it imports, sorted."""
    return sorted(_closure(ROOT / "steps" / f"{step}.py", set(), frozenset()))


def code_sha256(step: str) -> str:
    """Hash a step's module and all modules of this project that it imports, but the plumbing."""
    return _hashed(_closure(ROOT / "steps" / f"{step}.py", set()))


def source_sha256(value: Any) -> str:
    """Hash the file of an object's class, and what of this project it imports; else empty."""
    try:
        path = Path(inspect.getfile(type(value)))
    except (TypeError, OSError):
        return ""
    if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
        return _hashed(_closure(path, set()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hashed(paths: set[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def environment_sha256() -> str:
    """Hash Python's version and that of every installed package."""
    return hashlib.sha256("\n".join([platform.python_version(), *packages()]).encode()).hexdigest()


@cache
def packages() -> list[str]:
    """List every installed package as ``name==version``, sorted."""
    # each look at a name or a version would parse all of a package's metadata anew; once imported,
    # setuptools shows its own copies of others, which nothing installed
    metadata = (one.metadata for one in distributions() if not _is_vendored(one))
    found = {f"{one['Name']}=={one['Version']}" for one in metadata if one["Name"]}
    return sorted(found, key=str.lower)


def _is_vendored(package: Distribution) -> bool:
    return Path(str(package.locate_file(""))).name == "_vendor"


def _closure(
    path: Path, seen: set[Path], without: Collection[str] = frozenset(PLUMBING)
) -> set[Path]:
    left_out = path.parent == ROOT / "steps" and path.stem in without
    if path in seen or not path.exists() or left_out:
        return seen
    seen.add(path)
    for name in _imports(path.read_bytes()):
        for place in _places(ROOT, name):
            _closure(place, seen, without)
    return seen


@cache
def _places(root: Path, module: str) -> list[Path]:
    """Find the files of a module of this project, whose package is run too."""
    place = root.joinpath(*module.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return [file for file in files if file.exists()]


@cache
def _imports(source: bytes) -> list[str]:
    found, nodes = [], list[ast.AST](ast.parse(source).body)
    for node in nodes:  # no expression imports: to walk through those would take most of the time
        nodes += [part for field in BODIES for part in getattr(node, field, ())]
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def reuse(active: Run, key: str, still_good: Callable[[Run], bool]) -> Run | None:
    """Find a finished run with a key, and let the active run stand for it.

    Parameters
    ----------
    active : Run
        Gets the found run's metrics and the tag ``cached_from``.
    key : str
        As made by ``key_of``.
    still_good : callable
        Whether what that run left is still there.

    Returns
    -------
    Run or None
        The finished run.
    """
    found = MlflowClient().search_runs(
        [active.info.experiment_id],
        f"tags.{KEY} = '{key}' and attributes.status = 'FINISHED'",
        order_by=["attributes.start_time DESC"],
    )
    for run in found:
        if CACHED_FROM not in run.data.tags and still_good(run):
            _stand_for(active, run)
            return run
    return None


def _stand_for(active: Run, run: Run) -> None:
    metrics = [
        Metric(name, value, 0, 0)
        for name, value in run.data.metrics.items()
        if not is_cost(name)  # the active run has costs of its own
    ]
    links = {CACHED_FROM: run.info.run_id, KEY: run.data.tags[KEY]}
    kept = {k: v for k, v in run.data.tags.items() if k.endswith("_run_id")}
    tags = [RunTag(name, value) for name, value in (links | kept).items()]
    MlflowClient().log_batch(active.info.run_id, metrics=metrics, tags=tags)


def told(run: Run) -> dict[str, str]:
    """Say of which run the result is used again, for the console."""
    why = "same code, parameters, inputs and environment; fresh=true does it anew"
    return {"cached": f"run {run.info.run_id} ({why})"}


def original(run: Run) -> Run:
    """Follow a run that stands for another to that one."""
    found = run.data.tags.get(CACHED_FROM)
    return MlflowClient().get_run(found) if found else run
