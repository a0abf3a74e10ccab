import pytest
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier

from custom_model.classifiers import CLASSIFIERS, build_classifier


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_named_classifier_builds_without_hyperparameters(name):
    assert hasattr(build_classifier(name), "predict_proba")


def test_any_class_comes_by_its_import_path():
    built = build_classifier("sklearn.ensemble.ExtraTreesClassifier", n_estimators="5")
    assert (type(built), built.n_estimators) == (ExtraTreesClassifier, 5)


@pytest.mark.parametrize(
    ("name", "key", "text", "value"),
    [
        ("hist_gradient_boosting", "max_iter", "50", 50),
        ("hist_gradient_boosting", "learning_rate", "1", 1.0),
        ("hist_gradient_boosting", "early_stopping", "true", True),
        ("hist_gradient_boosting", "early_stopping", "auto", "auto"),
        ("hist_gradient_boosting", "max_leaf_nodes", "none", None),
        ("random_forest", "bootstrap", "False", False),
        ("random_forest", "max_features", "0.5", 0.5),
        ("random_forest", "max_features", "log2", "log2"),
        ("random_forest", "min_samples_leaf", "0.1", 0.1),
        ("random_forest", "class_weight", "balanced", "balanced"),
        ("random_forest", "class_weight", "{0: 1, 1: 5}", {0: 1, 1: 5}),
        ("neural_network", "hidden_layer_sizes", "(8, 4)", (8, 4)),
        ("xgboost.XGBClassifier", "n_estimators", "12", 12),
        ("xgboost.XGBClassifier", "booster", "gbtree", "gbtree"),
    ],
)
def test_a_text_takes_the_type_of_the_default_or_one_that_is_accepted(name, key, text, value):
    converted = build_classifier(name, **{key: text}).get_params()[key]
    assert (converted, type(converted)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "key", "text", "message"),
    [
        ("random_forest", "trees", "5", "random_forest has no parameter 'trees': expected one of"),
        ("random_forest", "n_estimators", "-3", r"must be an int in the range \[1, inf\). Got -3"),
        ("random_forest", "n_estimators", "1.5", r"must be an int in the range .* Got 1.5"),
        ("random_forest", "n_estimators", "many", "must be an int in the range .* Got 'many'"),
        ("random_forest", "bootstrap", "maybe", "Got 'maybe'"),
        ("random_forest", "criterion", "best", "must be a str among"),
        ("xgboost.XGBClassifier", "enable_categorical", "maybe", "expected bool, like the default"),
        ("logistic_regression", "C", "big", "must be a float in the range .* Got 'big'"),
    ],
)
def test_a_bad_hyperparameter_is_refused_with_the_valid_ones(name, key, text, message):
    with pytest.raises(ValueError, match=message):
        build_classifier(name, **{key: text})


@pytest.mark.parametrize("path", ["forest", "sklearn.ensemble.Nothing", "no_such.Thing", ".", ""])
def test_an_unknown_classifier_is_refused_with_the_known_ones(path):
    with pytest.raises(ValueError, match="expected one of hist_gradient_boosting, random_forest"):
        build_classifier(path)


def test_a_classifier_without_probabilities_is_refused():
    with pytest.raises(ValueError, match="LinearSVC gives no probabilities"):
        build_classifier("sklearn.svm.LinearSVC")


def test_the_default_is_the_class_that_the_name_says():
    assert isinstance(build_classifier("hist_gradient_boosting"), HistGradientBoostingClassifier)
