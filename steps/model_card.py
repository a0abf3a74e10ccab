"""The model card: the report's facts in Markdown, short enough for the registry's description."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from steps.metrics import LOSSES
from steps.report import count, figure, percent

TEMPLATES = Path(__file__).resolve().parent / "templates"
MOST_CHARACTERS = 4900  # a registry in a database holds 5,000
MOST_OF_A_COMMAND = 1500
# what Markdown would take for its own within a line; an underscore within a word it leaves alone
SPECIAL = re.compile(r"([\\`*\[\]<&|~$]|(?<!\w)_|_(?!\w))")


class Length(NamedTuple):
    """How much of a long list, and of a long text, a card shows."""

    items: int
    characters: int


LENGTHS = (Length(12, 80), Length(8, 48), Length(4, 32), Length(2, 20), Length(0, 12))


def render(facts: dict[str, Any]) -> str:
    """Write the model card [1]_, with shorter lists where the data is wide.

    Parameters
    ----------
    facts : dict
        As ``steps.facts.facts_of`` collects them.

    Returns
    -------
    str
        Markdown of fewer than 5,000 characters.

    References
    ----------
    .. [1] Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
    """
    for length in LENGTHS:
        card = _rendered(facts, length)
        if len(card) <= MOST_CHARACTERS:
            return card
    return card[: MOST_CHARACTERS - 2] + "…\n"


def escaped(text: Any) -> str:
    r"""Write a text so that Markdown takes no part of it for its own.

    Examples
    --------
    >>> print(escaped("a|b <i> _c_ d_e"))
    a\|b \<i> \_c\_ d_e
    """
    return SPECIAL.sub(r"\\\1", re.sub(r"\s+", " ", str(text)))


def fenced(code: str, language: str) -> Markup:
    """Fence code, by more backticks than it holds itself."""
    longest = max(map(len, re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markup(f"{fence}{language}\n{code}\n{fence}")


def _rendered(facts: dict[str, Any], length: Length) -> str:
    def short(text: Any, times: int = 1) -> str:
        text, most = str(text), times * length.characters
        return text if len(text) <= most else f"{text[: most - 1]}…"

    def some(values: list[Any]) -> Markup:
        named = [escaped(short(value)) for value in values[: length.items]]
        more = len(values) - len(named)
        return Markup(", ".join(named + ([f"{more} more"] if more else [])))

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        finalize=lambda value: value if isinstance(value, Markup) else escaped(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": figure, "count": count, "percent": percent,
        "short": short, "some": some, "fenced": fenced,
    }  # fmt: skip
    text = environment.get_template("model_card.md.j2").render(
        facts, most=length.items, losses=LOSSES, most_of_a_command=MOST_OF_A_COMMAND
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
