from mlflow.utils.name_utils import _generate_random_name

from steps.names import _is_made_up


def test_a_name_that_mlflow_made_up_is_known_from_one_that_a_person_gave():
    assert all(_is_made_up(_generate_random_name()) for _ in range(50))
    assert not any(_is_made_up(name) for name in ("mine", "my-best-run", "upbeat-run-1", ""))
