"""The licence that an installed package names, in the words of SPDX."""

from importlib.metadata import Distribution

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

UNKNOWN = ""
BSD = "LicenseRef-BSD"  # SPDX has no word for a BSD licence of unnamed clauses
# what packages write before they know of License-Expression (PEP 639), in lower case
NAMES = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license v2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": BSD,
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd license": BSD,
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu general public license v2 (gplv2)": "GPL-2.0-only",
    "gnu general public license v3 (gplv3)": "GPL-3.0-only",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}


def licence_of(distribution: Distribution) -> str:
    """Read which licence a package names, in the order of trust that PEP 639 gives.

    Parameters
    ----------
    distribution : importlib.metadata.Distribution
        An installed package.

    Returns
    -------
    str
        An SPDX expression: the ``License-Expression``, else the first line of ``License`` if it
        names one, else the classifiers, all of them. Empty if none of these names any.
    """
    fields = distribution.metadata.get_all  # a field that is missing is None
    for field in ("License-Expression", "License"):
        lines = "".join(fields(field) or ()).strip().splitlines()
        licence = _spdx(lines[0].strip()) if lines else UNKNOWN
        if licence:
            return licence
    named = {_spdx(one.split(" :: ")[-1]) for one in fields("Classifier") or () if _tells(one)}
    return UNKNOWN if UNKNOWN in named else " AND ".join(sorted(named))


def _tells(classifier: str) -> bool:
    return classifier.startswith("License ::") and classifier != "License :: OSI Approved"


def _spdx(name: str) -> str:
    """Translate a name of a licence, or a text that holds one."""
    try:
        return NAMES.get(name.lower()) or str(canonicalize_license_expression(name))
    except InvalidLicenseExpression:
        return UNKNOWN
