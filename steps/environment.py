"""The artifact's environment: every package pinned, and none that serving does not need."""

import pickletools
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from steps.console import warn
from steps.lock import Pin, locked_pins

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


def locked(names: Iterable[str]) -> list[Pin]:
    """Pin packages and all that they require.

    Parameters
    ----------
    names : iterable of str
        Installed packages.

    Returns
    -------
    list of Pin
        Sorted by name. With the hashes of uv.lock, and for every platform that it covers, when
        every version installed is the lock's; otherwise what is installed, without hashes.
    """
    needed = _closure(names)
    installed = {name: found for name in needed if (found := _version(name))}
    pins = [pin for pin in locked_pins() if pin.name in needed]
    here = {pin.name: pin.version for pin in pins if pin.here}
    other = [f"{name} {found}" for name, found in installed.items() if here.get(name) != found]
    if not other:
        return pins
    warn(
        f"the artifact's packages are pinned without hashes: uv.lock has not {', '.join(other)} "
        "(uv sync makes the environment of the lock)"
    )
    return [Pin(name, found, None, ()) for name, found in sorted(installed.items())]


def _closure(names: Iterable[str]) -> set[str]:
    found, waiting = set(), [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            key = (canonicalize_name(requirement.name), extra)
            if key not in found:
                found.add(key)
                waiting += _required(*key)
    return {name for name, _ in found}


def _required(name: str, extra: str) -> list[Requirement]:
    try:
        declared = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:  # of another platform
        return []
    # what another platform needs has a pin in the lock too, with its marker
    return [
        requirement
        for requirement in declared
        if "extra" not in str(requirement.marker) or requirement.marker.evaluate({"extra": extra})  # type: ignore[union-attr]
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _packages_in(pickled: bytes) -> set[str]:
    """Find the distributions of every imported module that a pickle names."""
    distributions = _distributions()
    texts = (argument for _, argument, _ in pickletools.genops(pickled))
    modules = {text for text in texts if isinstance(text, str) and text in sys.modules}
    return {name for module in modules for name in distributions.get(module.split(".")[0], ())}


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()
