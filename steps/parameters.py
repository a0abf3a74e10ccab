"""The command line of every step, read from MLproject, where the only defaults live."""

import argparse
import shlex
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from steps.errors import StepError

PROJECT = Path(__file__).resolve().parent.parent


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


TYPES: dict[str, Callable[[str], Any]] = {"string": str, "float": float, "int": int, "bool": _truth}
EXPECTED = {"bool": "true or false"}


def parameters_of(entry_point: str) -> dict[str, dict[str, Any]]:
    """Read the parameters of an entry point: {name: {"type": ..., "default": ...}}."""
    return _parsed((PROJECT / "MLproject").read_bytes())["entry_points"][entry_point]["parameters"]


@cache
def _parsed(project: bytes) -> dict[str, Any]:
    return yaml.safe_load(project)


def split_arguments(
    entry_point: str, argv: list[str]
) -> tuple[dict[str, str], dict[str, str], bool]:
    """Split a command line, without judging the values.

    Parameters
    ----------
    entry_point : str
    argv : list of str
        ``--name value`` or ``--name=value``, as ``mlflow run`` appends undeclared ones too.

    Returns
    -------
    declared : dict of str to str
        Every parameter of the entry point, defaults filled in.
    further : dict of str to str
        Undeclared ones.
    traceback : bool
        Whether ``--traceback`` was given.
    """
    parser = argparse.ArgumentParser(prog=f"python -m steps.{entry_point}", allow_abbrev=False)
    for name, spec in parameters_of(entry_point).items():
        help_text = f"{spec['type']}, default {spec['default']!r}"
        parser.add_argument(f"--{name}", default=str(spec["default"]), help=help_text)
    parser.add_argument("--traceback", action="store_true", help="show the stack of a failure")
    known, rest = parser.parse_known_args([_unquoted(argument) for argument in argv])
    declared = vars(known)
    traceback = declared.pop("traceback")
    return declared, _pairs(rest, parser), traceback


def _unquoted(argument: str) -> str:
    """Undo what MLflow's Kubernetes back end does: it quotes for a shell, and starts none."""
    quoted = len(argument) > 1 and argument[0] == argument[-1] == "'"
    try:
        return "".join(shlex.split(argument)) if quoted else argument
    except ValueError:  # no whole quotation
        return argument


def _pairs(rest: list[str], parser: argparse.ArgumentParser) -> dict[str, str]:
    further = {}
    while rest:
        name, *rest = rest
        if not name.startswith("--"):
            parser.error(f"expected --name value, got {name!r}")
        name, equals, value = name[2:].partition("=")
        if not equals:
            if not rest:
                parser.error(f"expected a value after --{name}")
            value, *rest = rest
        further[name] = value
    return further


def convert(
    entry_point: str, declared: dict[str, str], further: Iterable[str] = ()
) -> dict[str, Any]:
    """Convert declared parameters to the types that MLproject gives them.

    Parameters
    ----------
    entry_point : str
    declared : dict of str to str
    further : iterable of str
        Names of undeclared parameters, where the entry point has no use for any.

    Returns
    -------
    dict

    Raises
    ------
    StepError
        Naming the parameter, what was expected and what came.
    """
    specs = parameters_of(entry_point)
    for name in further:
        raise StepError(f"no parameter {name!r}: expected one of {', '.join(specs)}")
    return {name: _converted(name, declared[name], spec["type"]) for name, spec in specs.items()}


def canonical(entry_point: str, declared: dict[str, str]) -> dict[str, str]:
    """Write parameters in one way each: ``0.20`` as ``0.2``; what cannot be read stays.

    Parameters
    ----------
    entry_point : str
    declared : dict of str to str
    """
    specs, written = parameters_of(entry_point), {}
    for name, text in declared.items():
        try:
            written[name] = str(TYPES[specs[name]["type"]](text))
        except (ValueError, KeyError):  # for the step to refuse
            written[name] = text
    return written


def _converted(name: str, text: str, kind: str) -> Any:
    try:
        return TYPES[kind](text)
    except (ValueError, KeyError) as error:
        raise StepError(f"{name}: expected {EXPECTED.get(kind, kind)}, got {text!r}") from error


def one_of(name: str, value: str, expected: Iterable[str]) -> None:
    """Refuse a value that is none of the expected ones.

    Raises
    ------
    StepError
    """
    if value not in expected:
        raise StepError(f"{name}: expected one of {', '.join(expected)}, got {value!r}")


def names_in(text: str) -> list[str]:
    """Read a comma-separated list of names."""
    return [name.strip() for name in text.split(",") if name.strip()]


def kinds_in(text: str) -> dict[str, str]:
    """Read ``column:kind`` pairs, comma-separated.

    Raises
    ------
    StepError
        When one is no pair.
    """
    pairs = [name.rpartition(":") for name in names_in(text)]
    for name, colon, kind in pairs:
        if not (name and colon and kind):
            raise StepError(f"kinds: expected column:kind pairs, got {name + colon + kind!r}")
    return {name: kind for name, _, kind in pairs}
