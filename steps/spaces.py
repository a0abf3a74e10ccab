"""The search space seat: what ``tune`` may try for each classifier."""

import math
import re
from typing import TYPE_CHECKING, Any

from custom_model.classifiers import build_classifier
from steps.errors import StepError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

# Add a line for a classifier of your own, named or by its import path; -P space= does it for one
# run. A range is ``name:low..high``, of integers where both ends are, and ``:log`` samples its
# magnitude; choices are ``name:one|another`` and read as after -P.
SPACES = {
    "hist_gradient_boosting": (
        "learning_rate:0.02..0.3:log, max_iter:50..300, max_leaf_nodes:7..63:log, "
        "min_samples_leaf:5..60:log, l2_regularization:1e-6..10.0:log, max_features:0.4..1.0"
    ),
    "random_forest": (
        "n_estimators:100..400, max_depth:4..32:log, min_samples_leaf:1..30:log, "
        "max_features:0.1..1.0"
    ),
    "logistic_regression": "C:1e-4..1e3:log, class_weight:none|balanced",
    "neural_network": (
        "hidden_layer_sizes:(32,)|(64,)|(128,)|(64, 32)|(128, 64), alpha:1e-6..0.1:log, "
        "learning_rate_init:1e-4..0.03:log, batch_size:32|64|128|256"
    ),
}
BETWEEN = re.compile(r",(?![^(\[]*[)\]])")  # commas, but those of a tuple


def parse_space(text: str) -> dict[str, "BaseDistribution"]:
    """Read a search space.

    Parameters
    ----------
    text : str
        As in ``SPACES``.

    Returns
    -------
    dict of str to BaseDistribution
        Choices as texts.

    Raises
    ------
    StepError
        Naming the part that cannot be read.

    Examples
    --------
    >>> parse_space("max_depth:3..12, max_features:sqrt|log2")["max_depth"]
    IntDistribution(high=12, log=False, low=3, step=1)
    """
    space = {}
    for part in BETWEEN.split(text):
        name, _, values = (piece.strip() for piece in part.partition(":"))
        if not name.isidentifier() or name in space:
            raise _unreadable(part, "each name once")
        space[name] = _choices(part, values) if "|" in values else _range(part, values)
    return space


def _choices(part: str, values: str) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution

    choices = [choice.strip() for choice in values.split("|")]
    if not all(choices) or len(set(choices)) < len(choices):
        raise _unreadable(part, "different choices, none of them empty")
    return CategoricalDistribution(choices)


def _range(part: str, values: str) -> "BaseDistribution":
    from optuna.distributions import FloatDistribution, IntDistribution

    ends, colon, log = values.partition(":")
    low, dots, high = ends.partition("..")
    first, last = _number(low), _number(high)
    if not dots or None in (first, last) or (colon and log.strip() != "log"):
        raise _unreadable(part, "numbers")
    if not (-math.inf < first < last < math.inf and (first > 0 or not colon)):
        raise _unreadable(part, "low below high, and above 0 with :log")
    if isinstance(first, int) and isinstance(last, int):
        return IntDistribution(first, last, log=bool(colon))
    return FloatDistribution(float(first), float(last), log=bool(colon))


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _unreadable(part: str, needs: str) -> StepError:
    return StepError(
        f"space: expected name:low..high, name:low..high:log or name:one|another ({needs}), "
        f"got {part.strip()!r}"
    )


def space_of(
    classifier: str, text: str, fixed: dict[str, str]
) -> tuple[dict[str, "BaseDistribution"], dict[str, Any]]:
    """Find the search space of a classifier.

    Parameters
    ----------
    classifier : str
        A named classifier or an import path.
    text : str
        The space to search, in place of the seat's; empty: the seat's.
    fixed : dict of str to str
        Hyperparameters that are held, and so are not searched.

    Returns
    -------
    space : dict of str to BaseDistribution
    start : dict
        The classifier's own defaults, where the space holds them: the first trial.

    Raises
    ------
    StepError
        When there is none, or the classifier refuses an end of a range or a choice.
    """
    text = text or SPACES.get(classifier, "")
    if not text:
        raise StepError(
            f"space: no search space for {classifier!r}: add a line to SPACES in steps/spaces.py, "
            'or give one, such as -P space="max_depth:3..12,learning_rate:0.01..0.3:log"'
        )
    space = {name: held for name, held in parse_space(text).items() if name not in fixed}
    if not space:
        raise StepError("space: every hyperparameter of it is given, nothing is left to search")
    for name, values in space.items():
        for value in _extremes(values):
            try:
                build_classifier(classifier, **fixed | {name: str(value)})
            except ValueError as error:
                raise StepError(f"space: {error}") from error
    defaults = build_classifier(classifier, **fixed).get_params(deep=False)
    start = {name: _held(values, defaults[name]) for name, values in space.items()}
    return space, {name: value for name, value in start.items() if value is not None}


def _extremes(values: Any) -> list[Any]:
    return list(getattr(values, "choices", ())) or [values.low, values.high]


def _held(values: Any, default: Any) -> Any:
    """Return a default as the space has it, or None."""
    if hasattr(values, "choices"):
        return next((text for text in values.choices if text.lower() == str(default).lower()), None)
    number = isinstance(default, int | float) and not isinstance(default, bool)
    return default if number and values.low <= default <= values.high else None
