"""The artifact's environment: every package pinned, and none that serving does not need."""

import pickletools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, requires, version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from steps.console import warn
from steps.errors import listed
from steps.lock import Pin, locked_pins, locked_requirements

GRAPH_PACKAGES = ("mlflow-skinny", "numpy", "onnxruntime", "pandas")
PICKLE_PACKAGES = ("cloudpickle", "mlflow-skinny", "numpy", "pandas", "scikit-learn")


def requirements(file_name: str, content: bytes) -> list[str]:
    """Pin what an artifact imports to load and to be served.

    Parameters
    ----------
    file_name : str
        ``pipeline.onnx`` or ``pipeline.pkl``.
    content : bytes
        For a pickle, the packages of the modules that it names are added.

    Returns
    -------
    list of str
        ``name==version``, sorted.
    """
    if file_name.endswith(".onnx"):
        names = set(GRAPH_PACKAGES)
    else:
        names = set(PICKLE_PACKAGES) | _packages_in(content)
    return [f"{name}=={version(name)}" for name in sorted(names)]


@cache
def locked(*names: str) -> tuple[Pin, ...]:
    """Pin packages and all that they require.

    Parameters
    ----------
    *names : str
        Installed packages.

    Returns
    -------
    tuple of Pin
        Sorted by name. With the hashes of uv.lock, and for every platform that it covers, when
        every version installed is the lock's; otherwise what is installed, without hashes.
    """
    needed = _closure(names, _required_anywhere)
    pins = tuple(pin for pin in locked_pins() if pin.name in needed)
    here = {pin.name: pin.version for pin in pins if pin.here}
    installed = {name: _version(name) for name in _closure(names, required)}
    other = [f"{name} {found}" for name, found in installed.items() if here.get(name) != found]
    if not other:
        return pins
    warn(
        f"the artifact's packages are pinned without hashes: uv.lock has not {listed(other)} "
        "(uv sync makes the environment of the lock)"
    )
    return tuple(Pin(name, found, None, ()) for name, found in sorted(installed.items()) if found)


def required(name: str, extra: str = "") -> Sequence[Requirement]:
    """Tell what an installed package requires on this platform and Python.

    Parameters
    ----------
    name : str
        Nothing is known of a package that is not installed.
    extra : str, optional

    Returns
    -------
    sequence of Requirement
    """
    try:
        declared = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        return ()
    return [one for one in declared if one.marker is None or one.marker.evaluate({"extra": extra})]


def _required_anywhere(name: str, extra: str = "") -> Sequence[Requirement]:
    known = locked_requirements().get(name)
    return required(name, extra) if known is None else known.get(extra, ())


def _closure(
    names: Iterable[str], required: Callable[[str, str], Sequence[Requirement]]
) -> set[str]:
    found, waiting = set(), [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            key = (canonicalize_name(requirement.name), extra)
            if key not in found:
                found.add(key)
                waiting += required(*key)
    return {name for name, _ in found}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _packages_in(pickled: bytes) -> set[str]:
    """Find the distributions of every imported module that a pickle names."""
    installers = _distributions()
    texts = (argument for _, argument, _ in pickletools.genops(pickled))
    modules = {text for text in texts if isinstance(text, str) and text in sys.modules}
    return {name for module in modules for name in installers.get(module.split(".")[0], ())}


@cache
def _distributions() -> Mapping[str, set[str]]:
    """Find who installs each module: ``packages_distributions`` misses most on Python 3.10."""
    found: dict[str, set[str]] = {}
    for distribution in distributions():
        name = distribution.name  # parses the metadata, each time that it is asked
        for first in {file.parts[0] for file in distribution.files or ()}:
            found.setdefault(first.partition(".")[0], set()).add(name)
    return found
