import json
from pathlib import Path

import pandas as pd

from steps.inputs import SCHEMA_ROWS, dataset, file_name

FEATURES, LABELS = pd.DataFrame({"n": [1, 2]}), pd.Series([0, 1], name="y")


def test_the_digest_is_of_the_whole_file_and_of_the_part():
    digests = {
        dataset(FEATURES, LABELS, "a.csv", sha256, part).digest
        for sha256, part in [("one", "0"), ("one", "1"), ("two", "0")]
    }
    assert len(digests) == 3
    assert dataset(FEATURES, LABELS, "a.csv", "one", "0").digest in digests


def test_the_same_bytes_from_another_place_are_a_data_set_of_their_own():
    found = {dataset(FEATURES, LABELS, place, "one", "0").digest for place in ("a.csv", "b.csv")}
    assert len(found) == 2


def test_a_target_may_have_any_name():
    found = dataset(FEATURES, LABELS.rename("self"), "a.csv", "one", "0")
    assert found.targets == "self"


def test_a_token_in_the_address_is_not_in_the_source():
    found = dataset(FEATURES, LABELS, "https://host/t.csv?token=secret&x=1", "one", "0")
    assert json.loads(found.to_dict()["source"])["url"] == "https://host/t.csv?..."


def test_a_password_in_the_address_is_not_in_the_source():
    found = dataset(FEATURES, LABELS, "https://me:secret@host/t.csv", "one", "0")
    assert "secret" not in found.to_json()


def test_a_source_in_a_tracking_store_is_loaded_from_there(client, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    run_id = client.create_run("0").info.run_id
    client.log_artifact(run_id, str(tmp_path / "t.csv"), "data")
    found = dataset(FEATURES, LABELS, f"runs:/{run_id}/data/t.csv", "one", "0")
    assert Path(found.source.load()).read_text() == "a,b\n1,2\n"


def test_a_file_is_named_without_its_path_and_query():
    assert file_name("https://host/folder/t.csv.gz?key=1") == "t.csv.gz"
    assert file_name("/abs/my.csv") == "my.csv"


def test_the_schema_is_of_the_first_rows_and_the_profile_of_all():
    n_rows = SCHEMA_ROWS + 500
    features = pd.DataFrame({"n": range(n_rows), "t": ["a"] * n_rows})
    found = dataset(features, pd.Series([0, 1] * (n_rows // 2), name="y"), "a.csv", "one", "0")
    assert found.schema.input_names() == ["n", "t", "y"]
    assert found.profile["num_rows"] == n_rows
