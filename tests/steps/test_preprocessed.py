import json

import pandas as pd

from tests.record import Record


def test_long_parameters_are_cut_on_the_run_and_whole_in_the_file(step, tmp_path, client):
    names = [f"a column with a rather long name, number {i}" for i in range(40)]
    frame = pd.DataFrame({name: [0.5, 1.5, 2.5, 3.5] * 10 for name in names})
    frame["y"] = [0, 1] * 20
    frame.to_csv(tmp_path / "wide.csv", index=False)
    outcome = step("train", data=tmp_path / "wide.csv", target="y")
    assert outcome.status == 0, outcome.err
    (run,) = outcome.runs("train")
    cut = run.data.params["features_numeric"]
    whole = json.loads(Record(client, [run.info.run_id]).path("parameters.json").read_text())
    assert (len(cut), cut[-1]) == (500, "…")
    assert whole["features_numeric"] == ", ".join(names)
