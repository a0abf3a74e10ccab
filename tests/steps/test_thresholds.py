import numpy as np

from steps.thresholds import trade_off


def test_each_threshold_trades_precision_for_recall():
    labels = np.array([0, 0, 1, 1])
    high = np.array([0.1, 0.6, 0.4, 0.9])
    table = trade_off(labels, np.column_stack([1 - high, high])).set_index("threshold")
    assert table.loc[0.5].tolist() == [0.5, 0.5, 0.5, 0.5]
    assert table.loc[0.05, ["precision", "recall", "positives"]].tolist() == [0.5, 1.0, 1.0]
    assert table.loc[0.7, ["precision", "recall", "positives"]].tolist() == [1.0, 0.5, 0.25]
