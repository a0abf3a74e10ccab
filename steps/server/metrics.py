"""What Prometheus scrapes."""

from collections.abc import Iterator
from typing import Any, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from steps.distances import measure_of
from steps.server.model import Model
from steps.server.observed import Observed

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30)
PREFIX = "pyfunc_classifier"
KINDS = ("numeric", "boolean", "categorical", "datetime", "text")


class Server(Protocol):
    """What is under service, and how much of it."""

    model: Model
    observed: Observed
    in_flight: int


class Metrics:
    """Counters of one server.

    Parameters
    ----------
    server : Server
    """

    def __init__(self, server: Server) -> None:
        disable_created_metrics()
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            f"{PREFIX}_requests",
            "Requests by path and status",
            ["path", "status"],
            registry=registry,
        )
        seconds = Histogram(
            f"{PREFIX}_request_seconds", "Seconds from the start of a request to its answer",
            ["path"], buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self._seconds = seconds.labels("/invocations")
        self._rows = Counter(f"{PREFIX}_rows", "Rows that were answered", registry=registry)
        Gauge(f"{PREFIX}_requests_in_flight", "Requests under way", registry=registry).set_function(
            lambda: server.in_flight
        )
        self.reloads = Counter(
            f"{PREFIX}_reloads", "Attempts to load another version", ["outcome"], registry=registry
        )
        self._known: dict[tuple[str, int], Any] = {}
        registry.register(_Rows(server))

    def count(self, path: str, status: int, seconds: float, rows: int) -> None:
        """Count one request."""
        counter = self._known.get((path, status))
        if counter is None:
            counter = self._known[path, status] = self._requests.labels(path, status)
        counter.inc()
        if path == "/invocations":
            self._seconds.observe(seconds)
            self._rows.inc(rows)

    def text(self) -> bytes:
        """Write all of them in Prometheus's format."""
        return generate_latest(self._registry)


class _Rows:
    """Reads what was observed of the rows when it is scraped."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        model, observed = self._server.model, self._server.observed
        drift = observed.drift()
        yield _of_model(model)
        for name, kinds, values, told in (
            ("null_cells", KINDS, observed.nulls, "Cells that were null"),
            ("unknown_categories", ("categorical",), observed.unknown, "Not in the training rows"),
            ("outside_numbers", ("numeric",), observed.outside, "Outside the training rows' range"),
        ):
            counter = CounterMetricFamily(f"{PREFIX}_{name}", told, labels=["feature"])
            for feature, value in zip(model.contract["features"], values, strict=True):
                if feature["kind"] in kinds:
                    counter.add_metric([feature["name"]], value)
            yield counter
        gauge = GaugeMetricFamily(
            f"{PREFIX}_feature_drift",
            "Distance from the training rows since this version was loaded",
            labels=["feature", "measure"],
        )
        for feature, distance in zip(model.contract["features"], drift, strict=True):
            gauge.add_metric([feature["name"], measure_of(feature)], distance)
        yield gauge


def _of_model(model: Model) -> Metric:
    labels = {name: text or "" for name, text in model.version.items()}
    gauge = GaugeMetricFamily(f"{PREFIX}_model_info", "The version under service", labels=[*labels])
    gauge.add_metric([*labels.values()], 1)
    return gauge
