"""Optuna's plots of a study: history, importances, slices."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from optuna.study import Study


def draw_study(study: "Study", metric: str, seed: int) -> Iterator[tuple[str, Figure]]:
    """Draw the plots of a study that its trials suffice for.

    Parameters
    ----------
    study : Study
        With a complete trial.
    metric : str
        For the labels.
    seed : int
        Of the forest that estimates the importances.

    Yields
    ------
    tuple of str and Figure
        A file name, and a figure that is closed once the next one is asked for.
    """
    import matplotlib as mpl
    from matplotlib import pyplot as plt
    from optuna.importance import FanovaImportanceEvaluator
    from optuna.visualization import matplotlib as optuna_plots

    evaluator = FanovaImportanceEvaluator(seed=seed)
    drawings = {
        "history.png": lambda: optuna_plots.plot_optimization_history(study, target_name=metric),
        "importance.png": lambda: optuna_plots.plot_param_importances(
            study, evaluator=evaluator, target_name=metric
        ),
        "slice.png": lambda: optuna_plots.plot_slice(study, target_name=metric),
    }
    complete = [trial.value for trial in study.trials if trial.state.name == "COMPLETE"]
    if len(set(complete)) < 2:
        del drawings["importance.png"]  # where all score alike, nothing is more important
    if len(complete) < 2:
        del drawings["slice.png"]  # one point has no colour scale
    for name, drawing in drawings.items():
        # Optuna draws in a style of its own, which must not stay for the plots of other steps
        with mpl.rc_context(), warnings.catch_warnings():
            mpl.use("agg")
            warnings.simplefilter("ignore")  # its plots are experimental
            drawing()
            figure = plt.gcf()
            figure.set_size_inches(max(8.5, 3 * len(figure.axes)), 5.5)
            figure.set_layout_engine("constrained")
            yield name, figure
            plt.close(figure)
