import numpy as np
import pytest
from scipy.stats import bootstrap

from steps import bootstrap as ours
from steps.bootstrap import Scored, gains
from steps.metrics import METRICS


def scored(labels, flip, seed):
    """A model that is right but for a share of the rows."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(labels)) < flip
    predicted = np.where(wrong, 1 - labels, labels)
    sure = rng.uniform(0.6, 0.9, len(labels))
    second = np.where(predicted == 1, sure, 1 - sure)
    return Scored(predicted, np.column_stack([1 - second, second]))


LABELS = np.tile([0, 1], 200)
GOOD, BAD = scored(LABELS, 0.1, 1), scored(LABELS, 0.3, 2)


def test_the_gain_is_the_difference_on_all_rows():
    (gain,) = gains("accuracy", LABELS, GOOD, [BAD])
    expected = np.mean(GOOD.predicted == LABELS) - np.mean(BAD.predicted == LABELS)
    assert gain.value == pytest.approx(expected)


def test_the_interval_is_that_of_scipy():
    def difference(rows):
        return np.mean(GOOD.predicted[rows] == LABELS[rows]) - np.mean(
            BAD.predicted[rows] == LABELS[rows]
        )

    (gain,) = gains("accuracy", LABELS, GOOD, [BAD])
    reference = bootstrap(
        (np.arange(len(LABELS)),), difference, vectorized=False, method="percentile",
        n_resamples=1000, rng=np.random.default_rng(5),
    ).confidence_interval  # fmt: skip
    assert (gain.low, gain.high) == pytest.approx((reference.low, reference.high), abs=0.012)


@pytest.mark.parametrize("metric", [name for name in METRICS if name != "calibration_error"])
def test_the_better_model_gains_under_every_metric_also_under_a_loss(metric):
    (gain,) = gains(metric, LABELS, GOOD, [BAD])
    assert gain.value > 0


def test_a_model_gains_nothing_over_itself_and_that_is_sure():
    (gain,) = gains("roc_auc", LABELS, GOOD, [GOOD])
    assert gain == (0, 0, 0)


def test_the_comparison_is_paired_so_a_shared_hard_row_widens_no_interval():
    other = Scored(GOOD.predicted.copy(), GOOD.probabilities)
    other.predicted[0] = 1 - other.predicted[0]
    (gain,) = gains("accuracy", LABELS, GOOD, [other])
    assert gain.high - gain.low < 0.02


def test_the_same_seed_gives_the_same_interval():
    assert gains("log_loss", LABELS, GOOD, [BAD]) == gains("log_loss", LABELS, GOOD, [BAD])


def test_an_undefined_metric_gives_no_gain():
    labels = np.ones(40, dtype=int)
    (gain,) = gains("roc_auc", labels, scored(labels, 0.1, 1), [scored(labels, 0.3, 2)])
    assert np.isnan(gain).all()


def test_many_rows_give_the_interval_of_all_of_them_from_few_drawn(monkeypatch):
    labels = np.tile([0, 1], 10_000)
    good, bad = scored(labels, 0.1, 1), scored(labels, 0.3, 2)
    (drawn,) = gains("accuracy", labels, good, [bad])
    monkeypatch.setattr(ours, "MIN_DRAWN", len(labels))
    (whole,) = gains("accuracy", labels, good, [bad])
    assert (drawn.low, drawn.high) == pytest.approx((whole.low, whole.high), abs=0.003)
