import pytest

NAME = "versions-test"


@pytest.fixture
def registered(step, client):
    if not client.search_registered_models(f"name = '{NAME}'"):
        assert step("main", model_name=NAME, max_iter=5).status == 0
    return client


def test_it_lists_every_version_with_what_vouches_for_it(step, registered):
    outcome = step("versions", model_name=NAME)
    (line,) = [line for line in outcome.out.splitlines() if line.startswith("  version 1")]
    assert line.split()[:7] == [
        "version", "1", "champion", "Production", "VALIDATED", "PASSED", "uv",
    ]  # fmt: skip


def test_it_shows_the_audit_trail(step, registered):
    assert "champion: none -> 1 by " in step("versions", model_name=NAME).out


def test_a_deployment_status_is_set_and_shown(step, registered):
    step("versions", model_name=NAME, version="champion", deployment_status="deployed")
    version = registered.get_model_version(NAME, "1")
    assert version.tags["deployment_status"] == "deployed"
    assert "  deployed\n" in step("versions", model_name=NAME).out


def test_a_deployment_status_of_no_known_kind_is_refused(step, registered):
    outcome = step("versions", model_name=NAME, version=1, deployment_status="live")
    assert outcome.err == (
        "error: deployment_status: expected one of none, requested, deployed, failed, retired, "
        "got 'live'\n"
    )


def test_a_model_that_does_not_exist_is_refused(step):
    outcome = step("versions", model_name="no such model")
    assert outcome.err == "error: model_name: no registered model 'no such model'\n"


def test_it_leaves_no_run(step, registered):
    assert step("versions", model_name=NAME).runs() == []
