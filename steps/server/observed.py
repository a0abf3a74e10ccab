"""What the rows that were asked about looked like, counted for Prometheus."""

from typing import Any

import numpy as np

from custom_model.predictor import encoded_names
from steps.distances import bins_of, distance, is_null

FOLD_ROWS = 2048  # rows that wait before they are counted together


class Observed:
    """Counts of one model's rows, feature by feature.

    Parameters
    ----------
    contract : dict
        With the ``profile`` that training added.
    """

    def __init__(self, contract: dict[str, Any]) -> None:
        self._contract = contract
        widths = [len(encoded_names(feature)) for feature in contract["features"]]
        self._starts = np.cumsum([0, *widths[:-1]]).tolist()
        self._counts = [np.zeros(len(known["shares"])) for known in contract["profile"]]
        self.nulls = [0] * len(widths)
        self.unknown = [0] * len(widths)
        self.outside = [0] * len(widths)
        self._waiting: list[np.ndarray] = []
        self._n_waiting = 0

    def add(self, matrix: np.ndarray) -> None:
        """Remember encoded rows: shape (n_rows, n_encoded)."""
        if len(matrix):
            self._waiting.append(matrix)
        self._n_waiting += len(matrix)
        if self._n_waiting >= FOLD_ROWS:
            self.fold()

    def fold(self) -> None:
        """Count the rows that wait."""
        if not self._waiting:
            return
        matrix = np.concatenate(self._waiting)
        self._waiting, self._n_waiting = [], 0
        for place, (feature, known) in enumerate(
            zip(self._contract["features"], self._contract["profile"], strict=True)
        ):
            values = matrix[:, self._starts[place]]
            null = is_null(values, feature)
            present = values[~null]
            self.nulls[place] += int(null.sum())
            n_bins = len(self._counts[place])
            found = np.bincount(bins_of(present, feature, known["edges"]), minlength=n_bins)
            self._counts[place] += found[:n_bins]
            if feature["kind"] == "categorical":
                self.unknown[place] += int(found[n_bins:].sum())
            elif feature["kind"] == "numeric":
                low, high = (feature[name] - feature["center"] for name in ("minimum", "maximum"))
                outside = (present < np.float32(low)) | (present > np.float32(high))
                self.outside[place] += int(outside.sum())

    def drift(self) -> list[float]:
        """Measure each feature's distance from the training rows; see ``steps.drift``."""
        self.fold()
        n_trained, distances = sum(self._contract["class_counts"]), []
        for feature, known, counts, unknown in zip(
            self._contract["features"], self._contract["profile"], self._counts, self.unknown,
            strict=True,
        ):  # fmt: skip
            n_rows = counts.sum() + unknown
            before, now = np.array(known["shares"]), counts / max(n_rows, 1)
            far = distance(feature, before, now, n_trained, int(n_rows)) if n_rows else 0.0
            distances.append(far)
        return distances
