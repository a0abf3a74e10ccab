import json
import subprocess
from importlib.metadata import distribution

import pytest

from steps.environment import GRAPH_PACKAGES, locked
from steps.licences import licence_of
from steps.sbom import sbom
from tests.conftest import ROOT
from tests.environments import of_conda, of_the_lock
from tools.licences import refused

SHA256 = "ab" * 32
SERVED = {
    "Apache-2.0": (
        "databricks-sdk flatbuffers google-auth importlib-metadata mlflow-skinny "
        "opentelemetry-api opentelemetry-proto opentelemetry-sdk "
        "opentelemetry-semantic-conventions requests"
    ),
    "Apache-2.0 AND LicenseRef-BSD": "python-dateutil",
    "Apache-2.0 OR BSD-2-Clause": "packaging",
    "Apache-2.0 OR BSD-3-Clause": "cryptography",
    "BSD-2-Clause": "pyasn1",
    "BSD-3-Clause": (
        "click cloudpickle gitpython idna pandas protobuf pycparser python-dotenv smmap "
        "starlette uvicorn"
    ),
    "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0": "numpy",
    "LicenseRef-BSD": "gitdb pyasn1-modules sqlparse",
    "MIT": (
        "annotated-doc annotated-types anyio cachetools charset-normalizer fastapi h11 "
        "onnxruntime pydantic pydantic-core pyyaml six typing-inspection urllib3 zipp"
    ),
    "MIT-0": "cffi",
    "MPL-2.0": "certifi",
    "PSF-2.0": "typing-extensions",
}


@pytest.fixture(scope="module")
def text() -> str:
    return sbom(locked(*GRAPH_PACKAGES), SHA256)


@pytest.fixture(scope="module")
def bill(text) -> dict:
    return json.loads(text)


def test_it_names_the_version_and_the_licence_of_every_package_needed_here(bill):
    pins = {pin.name: pin.version for pin in locked(*GRAPH_PACKAGES) if pin.here}
    assert {part["name"]: part["version"] for part in bill["components"]} == pins
    assert all(part["licenses"] for part in bill["components"])
    (pydantic,) = [part for part in bill["components"] if part["name"] == "pydantic"]
    assert (pydantic["purl"], pydantic["licenses"]) == (
        f"pkg:pypi/pydantic@{pins['pydantic']}",
        [{"license": {"id": "MIT"}}],
    )


def test_it_says_who_requires_whom(bill):
    requires = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    names = {ref: ref.split("/")[-1].split("@")[0] for ref in requires}
    (pydantic,) = [ref for ref, name in names.items() if name == "pydantic"]
    assert {names[ref] for ref in requires[pydantic]} == {
        "annotated-types", "pydantic-core", "typing-extensions", "typing-inspection",
    }  # fmt: skip
    assert len(requires["model"]) == len(bill["components"])


def test_it_is_of_the_model_that_it_lies_beside(bill):
    model = bill["metadata"]["component"]
    assert (model["type"], model["hashes"]) == (
        "machine-learning-model",
        [{"alg": "SHA-256", "content": SHA256}],
    )


def test_the_same_model_gives_the_same_bytes(text):
    assert sbom(locked(*GRAPH_PACKAGES), SHA256) == text
    assert sbom(locked(*GRAPH_PACKAGES), "cd" * 32) != text


def test_it_follows_the_schema_of_cyclonedx(text, tmp_path):
    (tmp_path / "bill.json").write_text(text)
    code = (
        "from pathlib import Path; from cyclonedx.schema import SchemaVersion;"
        "from cyclonedx.validation.json import JsonStrictValidator;"
        "print(JsonStrictValidator(SchemaVersion.V1_6).validate_str("
        f"Path({str(tmp_path / 'bill.json')!r}).read_text()))"
    )
    validator = "cyclonedx-python-lib[json-validation]==11.12.0"
    done = subprocess.run(
        ["uv", "run", "--no-project", "--with", validator, "python", "-c", code],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.stdout.strip(), done.returncode) == ("None", 0), done.stderr


@of_conda  # another Python needs others
@of_the_lock
def test_a_graph_is_served_by_these_packages_under_these_licences():
    found: dict[str, list[str]] = {}
    for pin in locked(*GRAPH_PACKAGES):
        if pin.here:
            found.setdefault(licence_of(distribution(pin.name)), []).append(pin.name)
    assert {licence: " ".join(names) for licence, names in found.items()} == SERVED
    assert refused({name: licence for licence in SERVED for name in found[licence]}) == []
