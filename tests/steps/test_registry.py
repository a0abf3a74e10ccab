import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from steps import registry
from steps.errors import StepError

SOURCE = "file:///nowhere"


def failing(times: int, message: str):
    """A call that fails a few times, then tells how often it was made."""
    calls = []

    def call():
        calls.append(1)
        if len(calls) <= times:
            raise MlflowException(message)
        return len(calls)

    return call


def test_a_call_that_another_process_got_in_between_is_made_again():
    assert registry.retried(failing(3, "(sqlite3.IntegrityError) UNIQUE constraint failed")) == 4


def test_a_call_that_fails_for_its_own_sake_is_made_once():
    call = failing(1, "Permission denied")
    with pytest.raises(MlflowException, match="Permission denied"):
        registry.retried(call)
    assert call() == 2


@pytest.fixture
def model(client, request):
    """A registered model that the package run 'mine' created."""
    name = f"registry {request.node.name[:60]}"
    client.create_registered_model(name, tags={"created_by_run": "mine"})
    return name


def versions(client: MlflowClient, name: str) -> list[str]:
    return [str(v.version) for v in client.search_model_versions(f"name = '{name}'")]


def test_only_the_versions_of_the_run_that_failed_are_removed(client, model):
    client.create_model_version(model, SOURCE, tags={"package_run_id": "other"})
    client.create_model_version(model, SOURCE, tags={"package_run_id": "mine"})
    registry.remove_versions(client, model, "mine")
    assert versions(client, model) == ["1"]


def test_a_version_that_an_alias_points_to_is_never_removed(client, model):
    client.create_model_version(model, SOURCE, tags={"package_run_id": "mine"})
    client.set_registered_model_alias(model, "champion", "1")
    registry.remove_versions(client, model, "mine")
    assert versions(client, model) == ["1"]


def test_a_model_that_the_failed_run_created_goes_with_its_only_version(client, model):
    client.create_model_version(model, SOURCE, tags={"package_run_id": "mine"})
    registry.remove_versions(client, model, "mine")
    assert client.search_registered_models(f"name = '{model}'") == []


def test_an_empty_model_that_someone_else_created_stays(client, model):
    registry.remove_versions(client, model, "another")
    assert len(client.search_registered_models(f"name = '{model}'")) == 1


def test_a_model_whose_name_has_a_quote_is_registered_and_found(step):
    name = "Zoë's model"
    assert step("main", model_name=name, max_iter=5).status == 0
    assert step("versions", model_name=name).status == 0


def test_a_version_is_found_by_number_and_by_alias_or_refused(client, model):
    client.create_model_version(model, SOURCE)
    client.set_registered_model_alias(model, "blue", "1")
    assert [str(registry.find_version(model, v).version) for v in ("1", "blue")] == ["1", "1"]
    with pytest.raises(StepError, match="has no version or alias 'green'"):
        registry.find_version(model, "green")
