import pytest

from steps.lock import RUNTIME
from tests.conftest import ROOT
from tests.environments import HERE, of_the_lock
from tools.licences import ALLOWED, EXCEPTIONS, allowed, installed, refused

# what the tests' own environment has of all that users install
INSTALLED = (*RUNTIME, "--extra=signing")


@of_the_lock
def test_every_package_that_users_install_has_a_licence_that_is_allowed():
    licences = installed(ROOT, *INSTALLED)
    assert licences.keys() > {pin.name for pin in HERE} | {"model-signing"}
    assert refused(licences) == []


@of_the_lock
def test_no_exception_is_made_for_what_needs_none():
    licences = installed(ROOT, *INSTALLED)
    assert {name: licences.get(name) for name in EXCEPTIONS} == {
        name: licence for name, (licence, _) in EXCEPTIONS.items()
    }


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "", "(MIT OR GPL-2.0-only) AND MIT"]
)
def test_a_package_under_another_licence_is_refused(licence):
    assert refused({"mlflow": "Apache-2.0", "intruder": licence}) == [
        f"intruder is under {licence or 'no licence that it names'}: neither in ALLOWED nor, as "
        "this, in EXCEPTIONS of tools/licences.py"
    ]


def test_an_exception_ends_when_the_package_changes_its_licence():
    assert refused({"certifi": "MPL-2.0"}) == []
    assert len(refused({"certifi": "GPL-3.0-only"})) == 1


def test_of_alternatives_one_must_be_allowed_whole():
    assert allowed("GPL-2.0-only OR MIT")
    assert not allowed("GPL-2.0-only AND MIT OR MIT AND LGPL-3.0-only")


def test_an_alternative_within_brackets_allows_nothing():
    assert not allowed("GPL-3.0-only AND (ISC OR MIT OR Zlib)")


def test_nothing_that_asks_to_share_a_work_that_uses_it_is_allowed():
    assert not any(name.startswith(("GPL", "LGPL", "AGPL", "MPL")) for name in ALLOWED)
