"""The same model in every form that is compared, fitted once."""

import json
import os
import pickle
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.tables import LABEL, customers

FITTED_ROWS = 30_000
SEED = 42


class Fixtures:
    """Models and tables in a folder, each made when it is first asked for.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path, n_rows: int = FITTED_ROWS) -> None:
        self.folder, self.n_rows = folder, n_rows

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The table that the models are fitted on, label included."""
        return pd.read_parquet(self.table(self.n_rows))

    def table(self, n_rows: int) -> Path:
        """Write the synthetic table as parquet."""
        path = self.folder / f"customers-{n_rows}.parquet"
        if not path.exists():
            customers(n_rows).to_parquet(path)
        return path

    @cached_property
    def artifact(self) -> Path:
        """Ours: what the template packages."""
        from steps.artifact import save_artifact
        from steps.export import export, parity_rows
        from steps.fitting import build_pipeline, fit
        from steps.storage import Training

        prepared, path = prepare(self.frame), self.folder / "artifact"
        contract, (features, labels) = prepared.contract, (x[1] for x in prepared.rows[:2])
        pipeline = build_pipeline(contract, "hist_gradient_boosting", SEED, {})
        fit(pipeline, prepared.matrices[0], prepared.indices[0])
        training = Training(pipeline, contract, features, labels, features.index.to_numpy())
        exported = export(pipeline, parity_rows(training.matrix, contract), contract["threshold"])
        if exported.reason:
            raise SystemExit(f"expected a graph: {exported.reason}")
        save_artifact(training, exported, "", path)
        return path

    @cached_property
    def row(self) -> pd.DataFrame:
        """One row without the label, in the types of the signature."""
        row = self.frame.drop(columns=LABEL).dropna().head(1)
        return row.astype({name: object for name in row.select_dtypes(exclude="number")})

    @cached_property
    def request(self) -> bytes:
        """The body that asks every server for the answer to ``row``."""
        split = {"columns": list(self.row.columns), "data": self.row.to_numpy(object).tolist()}
        return json.dumps({"dataframe_split": split}).encode()

    @cached_property
    def scikit_learn(self) -> Any:
        """scikit-learn's own pipeline on the raw table, as one would write it by hand."""
        from sklearn.compose import make_column_transformer
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import TargetEncoder

        X, y = self.frame.drop(columns=LABEL), self.frame[LABEL]
        texts = list(X.select_dtypes(exclude="number"))
        encoder = TargetEncoder(target_type="binary")
        preprocessor = make_column_transformer((encoder, texts), remainder="passthrough")
        classifier = HistGradientBoostingClassifier(random_state=SEED)
        return make_pipeline(preprocessor, classifier).fit(X, y)

    @cached_property
    def pickle(self) -> Path:
        """scikit-learn's pipeline in a file."""
        path = self.folder / "scikit-learn.pkl"
        path.write_bytes(pickle.dumps(self.scikit_learn))
        return path

    @cached_property
    def signature(self) -> Any:
        """Columns and params of our artifact, for the peers that take a signature."""
        from mlflow.models import Model

        return Model.load(self.artifact).signature

    @cached_property
    def flavor(self) -> Path:
        """MLflow's own flavor of scikit-learn."""
        import mlflow
        from mlflow.models import ModelSignature

        path = self.folder / "flavor"
        signature = ModelSignature(self.signature.inputs)
        mlflow.sklearn.save_model(
            self.scikit_learn, path, signature=signature, serialization_format="cloudpickle",
            pip_requirements=["scikit-learn"],
        )  # fmt: skip
        return path

    @cached_property
    def constant(self) -> Path:
        """A PythonModel that does nothing, behind the columns and params of ours."""
        return self._python_model("constant", "constant.py", {})

    @cached_property
    def python_model(self) -> Path:
        """A PythonModel over scikit-learn's pickled pipeline."""
        return self._python_model("python-model", "pickled.py", {"pipeline": str(self.pickle)})

    def _python_model(self, name: str, code: str, artifacts: dict[str, str]) -> Path:
        import mlflow

        os.environ["MLFLOW_UV_AUTO_DETECT"] = "false"
        path = self.folder / name
        mlflow.pyfunc.save_model(
            path, python_model=str(Path(__file__).parent / "peers" / code), artifacts=artifacts,
            signature=self.signature, pip_requirements=["mlflow"],
        )  # fmt: skip
        return path


def prepare(frame: pd.DataFrame) -> Any:
    """Split and encode a table as ``train`` does."""
    from steps.clock import Clock
    from steps.prepare import prepare

    params = {"target": LABEL, "drop": "", "kinds": "", "test_size": 0.2, "seed": SEED}
    return prepare(frame, params, Clock())
