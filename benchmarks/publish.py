"""The published figures: docs/performance.json, and the tables in docs/performance.md."""

import json
import os
import platform
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, as_markdown

DOCS = Path(__file__).resolve().parent.parent / "docs"
FIGURES, PAGE = DOCS / "performance.json", DOCS / "performance.md"
PACKAGES = ("mlflow", "scikit-learn", "pandas", "numpy", "onnxruntime", "pyarrow", "uvicorn")


def machine() -> dict[str, Any]:
    """Describe the machine that figures come from."""
    model = re.search(r"model name\s*: (.+)", _read("/proc/cpuinfo"))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {
        "date": date.today().isoformat(),
        "processor": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    } | {name: version(name) for name in PACKAGES}


def _read(path: str) -> str:
    return Path(path).read_text() if Path(path).exists() else ""


def publish(found: dict[str, list[Figure]]) -> None:
    """Put measured sections in place of the published ones, and write the page's tables."""
    old = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"sections": {}}
    new = {"machine": machine(), "sections": old["sections"] | found}
    FIGURES.write_text(json.dumps(new, indent=1) + "\n")
    PAGE.write_text(rendered(PAGE.read_text(), new))


def rendered(page: str, published: dict[str, Any]) -> str:
    """Put published figures between the marks of a page.

    Parameters
    ----------
    page : str
        Markdown, with pairs of marks ``<!-- name -->`` and ``<!-- end name -->`` for ``machine``,
        ``targets`` and each section.
    published : dict
        ``machine`` and ``sections``.

    Returns
    -------
    str
    """
    sections = published["sections"]
    texts = {name: as_markdown(figures) for name, figures in sections.items()}
    texts["machine"] = ", ".join(f"{key} {value}" for key, value in published["machine"].items())
    texts["targets"] = as_markdown(targets(sections))
    for name, text in texts.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end {name} -->"
        before, found, rest = page.partition(start)
        if found:
            page = f"{before}{start}{text}\n{end}{rest.partition(end)[2]}"
    return page


def targets(sections: dict[str, list[Figure]]) -> list[Figure]:
    """Pick the figures that have a target."""
    return [figure for figures in sections.values() for figure in figures if figure["target"]]
