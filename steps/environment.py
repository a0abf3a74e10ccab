"""The artifact's environment: exact pins, and no package that serving does not need."""

import pickletools
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions, version

GRAPH_PACKAGES = ("mlflow-skinny", "numpy", "onnxruntime", "pandas")
PICKLE_PACKAGES = ("cloudpickle", "mlflow-skinny", "numpy", "pandas", "scikit-learn")


def requirements(file_name: str, content: bytes) -> list[str]:
    """Pin what an artifact needs to load and to be served.

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


def _packages_in(pickled: bytes) -> set[str]:
    """Find the distributions of every imported module that a pickle names."""
    distributions = _distributions()
    texts = (argument for _, argument, _ in pickletools.genops(pickled))
    modules = {text for text in texts if isinstance(text, str) and text in sys.modules}
    return {name for module in modules for name in distributions.get(module.split(".")[0], ())}


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()
