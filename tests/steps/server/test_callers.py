import pytest

from tests.own_server import own_server
from tests.steps.server.conftest import ROW, records

TOKEN = "s3cret-token"


@pytest.fixture(scope="module")
def guarded(artifact, tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "token").write_text(TOKEN + "\n")
    with own_server(artifact, folder, token_file=folder / "token") as server:
        yield server


@pytest.mark.parametrize("given", [None, "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer "])
def test_without_its_token_nothing_is_answered(guarded, given):
    headers = {} if given is None else {"Authorization": given}
    reply = guarded.ask(records(ROW), **headers)
    assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/version", "/metrics", "/openapi.json"])
def test_without_its_token_nothing_is_told(guarded, path):
    assert guarded.get(path).status == 401
    assert guarded.get(path, Authorization=f"Bearer {TOKEN}").status == 200


def test_with_its_token_it_answers(guarded):
    assert len(guarded.ask(records(ROW), Authorization=f"Bearer {TOKEN}").predictions) == 1


@pytest.mark.parametrize("path", ["/ping", "/health", "/ready"])
def test_probes_need_neither_token_nor_host(guarded, path):
    assert guarded.get(path, Host="10.0.0.7:5002").status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:5002", "localhost.evil.example"])
def test_a_page_elsewhere_cannot_ask_by_another_name_of_this_machine(server, host):
    reply = server.ask(records(ROW), Host=host)
    assert (reply.status, reply.message) == (
        421, "Host: expected a name that this server goes by (hosts)",
    )  # fmt: skip


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:5002", "[::1]"]
)
def test_this_machine_by_any_of_its_names_is_answered(server, host):
    assert server.ask(records(ROW), Host=host).status == 200


def test_the_hosts_that_are_allowed_can_be_named(artifact, tmp_path):
    with own_server(artifact, tmp_path, hosts="model.example, localhost") as server:
        assert server.ask(records(ROW), Host="model.example:443").status == 200
        assert server.ask(records(ROW), Host="127.0.0.1").status == 421


def test_a_server_for_other_machines_takes_any_host(artifact, tmp_path):
    with own_server(artifact, tmp_path, host="0.0.0.0") as server:
        assert server.ask(records(ROW), Host="model.example").status == 200
