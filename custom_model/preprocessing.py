"""The preprocessing seat: what happens to the encoded matrix before the classifier.

Edit ``build_preprocessor`` to change it. Whatever converts to ONNX ships as a graph;
transformer classes of your own ship as a pickle that needs nothing of this repository.
"""

from typing import Any

import numpy as np
import sklearn
from packaging.version import Version
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from custom_model.predictor import encoded_names

TREE_LIBRARIES = ("sklearn.ensemble", "sklearn.tree", "xgboost", "lightgbm", "catboost")
MAX_ONE_HOT_LEVELS = {"trees": 12, "others": 32}


def build_preprocessor(
    contract: dict[str, Any], estimator: BaseEstimator | None = None
) -> TransformerMixin:
    """Build the transformer that suits an estimator.

    Trees get no scaling: it brings them nothing and costs float32 parity. Histogram gradient
    boosting gets no imputation either, it reads NaN itself. Categories are target-encoded [1]_
    where the problem is binary, one-hot where they are few, and else keep their index, which is
    their rank by frequency.

    Parameters
    ----------
    contract : dict
        As made by ``steps.contract.infer_contract``.
    estimator : estimator, optional
        The classifier that follows. Without it, the recipe that suits any estimator.

    Returns
    -------
    ColumnTransformer
        Unfitted; reads the encoded matrix of shape (n_rows, n_encoded), float32.

    References
    ----------
    .. [1] Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in
       classification and prediction problems", SIGKDD Explorations 3(1), 2001.
    """
    trees = type(estimator).__module__.startswith(TREE_LIBRARIES)
    numbers, one_hot, target = _columns_by_treatment(contract, trees)
    encoder = OneHotEncoder(
        categories=[np.arange(levels) for levels in one_hot.values()],
        sparse_output=False,
        dtype=np.float32,
    )
    treatments = [
        ("numbers", _numeric(estimator, trees), numbers),
        ("one_hot", encoder, list(one_hot)),
        ("target", _scaled(_target_encoder(contract), trees), target),
    ]
    return ColumnTransformer([treatment for treatment in treatments if treatment[2]])


def _columns_by_treatment(
    contract: dict[str, Any], trees: bool
) -> tuple[list[int], dict[int, int], list[int]]:
    """Sort the matrix columns: numbers, {one-hot column: levels}, target-encoded."""
    binary = len(contract["classes"]) == 2 and min(contract["class_counts"]) > 1
    most = MAX_ONE_HOT_LEVELS["trees" if trees else "others"]
    numbers, one_hot, target = [], {}, []
    columns = [f for f in contract["features"] for _ in encoded_names(f)]
    for column, feature in enumerate(columns):
        levels = len(feature.get("categories", ())) + 2  # null and unknown
        if feature["kind"] != "categorical":
            numbers.append(column)
        elif binary and (trees or levels > most):
            target.append(column)
        elif levels <= most:
            one_hot[column] = levels
        else:
            numbers.append(column)
    return numbers, one_hot, target


def _target_encoder(contract: dict[str, Any]) -> TargetEncoder:
    folds = min(5, *contract["class_counts"])
    if Version(sklearn.__version__) < Version("1.9"):  # it takes no generator, and a random_state
        return TargetEncoder(target_type="binary", cv=folds)
    # the training rows come shuffled by the seeded split: shuffling them anew would not reproduce
    return TargetEncoder(target_type="binary", cv=StratifiedKFold(folds))


def _numeric(estimator: BaseEstimator | None, trees: bool) -> Any:
    if isinstance(estimator, HistGradientBoostingClassifier):
        return "passthrough"
    return _scaled(SimpleImputer(strategy="median", keep_empty_features=True), trees)


def _scaled(transformer: TransformerMixin, trees: bool) -> TransformerMixin:
    return transformer if trees else make_pipeline(transformer, StandardScaler())
