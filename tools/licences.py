"""Which licences the packages that users install may have, and which are exceptions."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from steps.errors import StepError
from steps.licences import BSD, licence_of
from steps.lock import SHIPPED
from tools.locked import pins

ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "PSF-2.0",
    "Unlicense",
    "Zlib",
    BSD,
}
EXCEPTIONS = {  # package: what it names, and why that may be
    "certifi": ("MPL-2.0", "asks to share changes of its own files, and we change none"),
    "huey": ("", "MIT by its LICENSE file; its metadata names no licence"),
    "sigstore-models": ("", "MIT by its LICENSE file; its metadata names no licence"),
    "skops": ("", "MIT by its LICENSE file; its metadata names no licence"),
    "tqdm": ("MPL-2.0 AND MIT", "asks to share changes of its own files, and we change none"),
}


def refused(licences: Mapping[str, str]) -> list[str]:
    """Tell which packages may not be shipped with.

    Parameters
    ----------
    licences : mapping of str to str
        The SPDX expression of each package, empty where it names none.

    Returns
    -------
    list of str
        A sentence on each.
    """
    return [
        f"{name} is under {licence or 'no licence that it names'}: neither in ALLOWED nor, as "
        "this, in EXCEPTIONS of tools/licences.py"
        for name, licence in sorted(licences.items())
        if not allowed(licence) and licence != EXCEPTIONS.get(name, (None,))[0]
    ]


def allowed(licence: str) -> bool:
    """Tell whether a licence grants what we need: one whole alternative of it is allowed.

    Parameters
    ----------
    licence : str
        An SPDX expression; one with brackets is not understood, so not allowed.

    Returns
    -------
    bool
        Whether ``ALLOWED`` has all parts of an alternative.

    Examples
    --------
    >>> allowed("GPL-3.0-only OR MIT AND ISC"), allowed("GPL-3.0-only AND MIT"), allowed("")
    (True, False, False)
    """
    alternatives = [] if "(" in licence else licence.split(" OR ")
    return any(ALLOWED.issuperset(one.split(" AND ")) for one in alternatives)


def installed(folder: Path, *which: str) -> dict[str, str]:
    """Read the licences of locked packages, as far as they are for this machine.

    Parameters
    ----------
    folder : Path
        Holds the lock.
    *which : str
        As ``tools.locked.pins`` takes it.

    Returns
    -------
    dict of str to str
        By name; packages of other platforms and Pythons are missing.

    Raises
    ------
    StepError
        The environment is not the lock's.
    """
    found = {}
    for pin in pins(folder, *which):
        if not pin.here:
            continue
        try:
            package = distribution(pin.name)
        except PackageNotFoundError:
            package = None
        if package is None or package.version != pin.version:
            raise StepError(
                f"expected {pin.name} {pin.version} of uv.lock, found "
                f"{package.version if package else 'none'}: run `uv sync --all-extras`"
            )
        found[pin.name] = licence_of(package)
    return found


def main() -> None:
    """Print the licence of every package of the runtime and of the extras.

    Raises
    ------
    StepError
        One is refused.
    """
    licences = installed(Path(), *SHIPPED)
    for name, licence in licences.items():
        print(f"{name:40}{licence or EXCEPTIONS.get(name, ('', 'unknown'))[1]}")
    problems = refused(licences)
    if problems:
        raise StepError("\n".join(problems))
