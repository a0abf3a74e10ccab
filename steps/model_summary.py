"""A fitted model in a few figures: structure, trees or parameters, size."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline


def summarize(pipeline: Pipeline, n_bytes: int) -> dict[str, Any]:
    """Sum up a fitted pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        Steps ``preprocessor`` and ``classifier``.
    n_bytes : int
        Of its pickle.

    Returns
    -------
    dict
        JSON-ready: ``classifier``, ``preprocessor`` (its steps), ``n_classes``, ``n_features`` (of
        the encoded matrix), ``n_features_preprocessed``, ``bytes``, and what the classifier has:
        ``n_trees``, ``n_leaves`` and ``max_depth``, ``n_parameters`` and ``layers``, or
        ``n_iterations``.
    """
    classifier, preprocessor = pipeline["classifier"], pipeline["preprocessor"]
    said = {
        "classifier": f"{type(classifier).__module__}.{type(classifier).__qualname__}",
        "preprocessor": [
            f"{name}: {_steps(transformer)} of {len(columns)} columns"
            for name, transformer, columns in getattr(preprocessor, "transformers_", [])
        ]
        or [str(preprocessor)],
        "n_classes": len(pipeline.classes_),
        "n_features": int(preprocessor.n_features_in_),
        "n_features_preprocessed": int(getattr(classifier, "n_features_in_", 0)),
        "bytes": n_bytes,
    }
    return said | _trees(classifier) | _weights(classifier) | _iterations(classifier)


def _steps(transformer: Any) -> str:
    names = [type(step).__name__ for _, step in getattr(transformer, "steps", [])]
    return " -> ".join(names) or (
        transformer if isinstance(transformer, str) else type(transformer).__name__
    )


def _trees(classifier: Any) -> dict[str, int]:
    if hasattr(classifier, "_predictors"):  # histogram gradient boosting
        trees = [tree for iteration in classifier._predictors for tree in iteration]
        leaves = [tree.get_n_leaf_nodes() for tree in trees]
        depths = [tree.get_max_depth() for tree in trees]
    elif hasattr(classifier, "estimators_"):
        trees = [tree.tree_ for tree in np.ravel(classifier.estimators_) if hasattr(tree, "tree_")]
        leaves, depths = [tree.n_leaves for tree in trees], [tree.max_depth for tree in trees]
    else:
        return {}
    return {
        "n_trees": len(trees),
        "n_leaves": int(sum(leaves)),
        "max_depth": int(max(depths, default=0)),
    }


def _weights(classifier: Any) -> dict[str, Any]:
    if hasattr(classifier, "coefs_"):  # a neural network
        sizes = [len(classifier.coefs_[0]), *(layer.shape[1] for layer in classifier.coefs_)]
        count = sum(map(np.size, [*classifier.coefs_, *classifier.intercepts_]))
        return {"layers": " -> ".join(map(str, sizes)), "n_parameters": int(count)}
    if hasattr(classifier, "coef_"):
        return {"n_parameters": int(np.size(classifier.coef_) + np.size(classifier.intercept_))}
    return {}


def _iterations(classifier: Any) -> dict[str, int]:
    found = getattr(classifier, "n_iter_", None)
    return {} if found is None else {"n_iterations": int(np.max(found))}
