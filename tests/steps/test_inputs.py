import pandas as pd

from steps.inputs import dataset, file_name

FEATURES, LABELS = pd.DataFrame({"n": [1, 2]}), pd.Series([0, 1], name="y")


def test_the_digest_is_of_the_whole_file_and_of_the_part():
    digests = {
        dataset(FEATURES, LABELS, "a.csv", sha256, part).digest
        for sha256, part in [("one", "0"), ("one", "1"), ("two", "0")]
    }
    assert len(digests) == 3
    assert dataset(FEATURES, LABELS, "b.csv", "one", "0").digest in digests


def test_a_password_in_the_address_is_not_in_the_source():
    found = dataset(FEATURES, LABELS, "https://me:secret@host/t.csv", "one", "0")
    assert "secret" not in found.to_json()


def test_a_file_is_named_without_its_path_and_query():
    assert file_name("https://host/folder/t.csv.gz?key=1") == "t.csv.gz"
    assert file_name("/abs/my.csv") == "my.csv"
