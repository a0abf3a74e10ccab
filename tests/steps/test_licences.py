from importlib.metadata import Distribution, distribution

import pytest

from steps.licences import NAMES, licence_of


class Package(Distribution):
    """A package whose metadata are given."""

    def __init__(self, *fields: tuple[str, str]) -> None:
        text = "".join(f"{name}: {value}\n" for name, value in fields)
        self.text = f"Metadata-Version: 2.4\nName: made-up\nVersion: 1\n{text}"

    def read_text(self, filename: str) -> str | None:
        return self.text if filename == "METADATA" else None

    def locate_file(self, path):
        raise NotImplementedError


MIT = ("Classifier", "License :: OSI Approved :: MIT License")
APACHE = ("Classifier", "License :: OSI Approved :: Apache Software License")


def test_the_expression_of_pep_639_comes_first():
    assert licence_of(Package(("License-Expression", "mit or apache-2.0"), MIT)) == (
        "MIT OR Apache-2.0"
    )


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("MPL-2.0 AND MIT", "MPL-2.0 AND MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("BSD 3-Clause License\n        \n        Copyright (c) 2021", "BSD-3-Clause"),
    ],
)
def test_an_older_license_field_is_read_when_it_names_one(text, licence):
    assert licence_of(Package(("License", text), MIT)) == licence


def test_the_classifiers_are_read_when_the_license_field_is_a_text():
    assert licence_of(Package(("License", "Copyright 2018 Databricks, Inc."), APACHE)) == (
        "Apache-2.0"
    )


def test_of_several_classifiers_all_hold():
    assert licence_of(Package(("License", "Dual License"), MIT, APACHE)) == "Apache-2.0 AND MIT"


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (("Classifier", "License :: OSI Approved"),),
        (MIT, ("Classifier", "License :: Other/Proprietary License")),
    ],
)
def test_a_package_that_names_none_for_sure_has_an_unknown_licence(fields):
    assert licence_of(Package(*fields)) == ""


def test_the_licence_of_an_installed_package_is_read():
    assert licence_of(distribution("mlflow-skinny")) == "Apache-2.0"


def test_the_names_are_written_as_they_are_looked_up():
    assert [name for name in NAMES if name != name.lower()] == []
