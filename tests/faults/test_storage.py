"""Full disks, read-only folders and artifacts that are gone: one line, and nothing by half."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.faults.inject import run

TIDY = {"running": 0, "pending": 0, "versions": 0}


class Shop:
    """A store with an evaluated train run, whose artifacts may be hurt."""

    def __init__(self, folder: Path, artifacts: Path) -> None:
        self.settings = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
        self.client = MlflowClient(self.settings["MLFLOW_TRACKING_URI"])
        self.folder, self.artifacts = folder, artifacts
        self.experiment = self.client.create_experiment("shop", artifact_location=str(artifacts))
        self.settings["MLFLOW_EXPERIMENT_NAME"] = "shop"
        for step in ("train", "evaluate"):
            done = run(folder / step, step, self.settings)
            assert done.status == 0, done.err
        self.train_run = self.newest("train")

    def newest(self, step: str):
        found = self.client.search_runs([self.experiment], f"tags.step = '{step}'", max_results=1)
        return found[0]

    def leftovers(self) -> dict[str, int]:
        models = self.client.search_logged_models([self.experiment])
        return {
            "running": len(
                self.client.search_runs([self.experiment], "attributes.status = 'RUNNING'")
            ),
            "pending": sum(model.status != "READY" for model in models),
            "versions": len(self.client.search_model_versions()),
        }

    def fails(self, step: str, **settings: str) -> str:
        """Run a step that has to fail in one line; returns that."""
        done = run(self.folder / f"failed-{step}", step, self.settings | settings)
        assert done.status == 1, done.out
        assert done.err.count("\n") == 1, done.err
        newest = self.newest(step)
        assert newest.info.status == "FAILED"
        assert done.err == f"error: {newest.data.tags['failure_reason']}\n"
        assert self.leftovers() == TIDY
        return done.err


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("storage")
    return Shop(folder, folder / "artifacts")


@pytest.fixture
def mounted(tmp_path):
    """Mount file systems of a given size in memory; they are gone after the test."""
    places = []

    def mount(place: Path, options: str) -> Path:
        place.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tests", str(place)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"this machine does not let us mount: {done.stderr.strip()}")
        places.append(place)
        return place

    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("mounting takes root: the injected faults below stand in for it")
    yield mount
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_artifact_store_is_named(shop, mounted):
    # the artifacts of package alone: those of train are read first
    mounted(shop.artifacts / "models", "size=8k")
    told = shop.fails("package")
    assert told.startswith(f"error: storage: {shop.artifacts}/models/")
    assert "No space left on device; free some space there, and run this step again" in told


@pytest.mark.parametrize("step", ["train", "package"])
def test_a_full_temporary_folder_is_named(shop, mounted, tmp_path, step):
    scratch = mounted(tmp_path / "scratch", "size=4k")
    told = shop.fails(step, TMPDIR=str(scratch))
    assert "No space left on device; free some space there, and run this step again" in told
    assert str(scratch) in told


def test_a_read_only_artifact_store_is_named(shop, mounted):
    mounted(shop.artifacts / "models", "ro")
    told = shop.fails("package")
    assert told.startswith(f"error: storage: {shop.artifacts}/models/")
    assert "Read-only file system; make it writable, or choose another place" in told


def test_a_read_only_folder_for_the_database_is_named(mounted, tmp_path):
    place = mounted(tmp_path / "store", "ro")
    uri = f"sqlite:///{place / 'mlflow.db'}"
    done = run(tmp_path, "train", {"MLFLOW_TRACKING_URI": uri})
    assert done.status == 1
    assert done.err == (
        f"error: tracking: cannot open the database {uri}: unable to open database file; mend "
        "that, or set MLFLOW_TRACKING_URI to another\n"
    )


def test_a_full_disk_is_told_where_no_mount_is_possible(shop):
    done = run(shop.folder / "full", "package", shop.settings, ("logging the model", "ENOSPC"))
    assert done.status == 1
    assert done.err.startswith("error: storage: a file (temporary ones are in ")
    assert "No space left on device; free some space there, and run this step again" in done.err
    assert shop.leftovers() == TIDY


@pytest.mark.parametrize("step", ["evaluate", "package"])
@pytest.mark.parametrize("hurt", ["gone", "damaged"])
def test_a_train_run_without_its_artifacts_is_named(shop, step, hurt):
    folder = shop.artifacts / shop.train_run.info.run_id / "artifacts" / "training"
    saved = shutil.copytree(folder, shop.folder / f"{step}-{hurt}")
    if hurt == "gone":
        shutil.rmtree(folder)
    else:
        (folder / "pipeline.pkl").write_bytes((folder / "pipeline.pkl").read_bytes()[:1000])
    try:
        told = shop.fails(step)
    finally:
        shutil.copytree(saved, folder, dirs_exist_ok=True)
    run_id = shop.train_run.info.run_id
    assert told.startswith(
        f"error: train run {run_id}: its artifacts in training/ are gone or damaged ("
    )
    assert told.endswith("); run the entry point train again\n")


def test_a_champion_without_its_artifact_is_named_and_keeps_the_alias(tmp_path):
    shop = Shop(tmp_path, tmp_path / "artifacts")
    assert run(tmp_path / "package", "package", shop.settings).status == 0
    shutil.rmtree(tmp_path / "artifacts" / "models")
    done = run(tmp_path / "again", "evaluate", shop.settings)
    assert done.status == 1
    assert len(done.err.splitlines()) == 1
    assert done.err == (
        "error: champion pyfunc-classifier version 1 cannot be scored on these rows: no "
        "contract.json can be read from models:/pyfunc-classifier/1; mend that, or replace it "
        "unseen with champion_error=ignore\n"
    )
    assert shop.newest("evaluate").info.status == "FAILED"
    champion = shop.client.get_model_version_by_alias("pyfunc-classifier", "champion")
    assert str(champion.version) == "1"
