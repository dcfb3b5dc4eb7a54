import json

import pytest

from infra_cdk.constructs import own_algorithms
from infra_cdk.constructs.own_algorithms import ROOT, check_algorithms, package_folder
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings
from tests.infra.assembly import flat


def settings(**values):
    return Settings(name="test", region="us-east-1", **values)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(own_algorithms, "ROOT", tmp_path)
    return tmp_path


def test_package_must_be_a_folder_with_python_files(root):
    (root / "own").mkdir()
    with pytest.raises(
        InvalidSettings,
        match=r"environments\.test\.training_package is 'nowhere', expected a folder; .*/nowhere is none",
    ):
        package_folder(settings(training_package="nowhere"))
    with pytest.raises(InvalidSettings, match=r"expected a folder with a Python module or package in it; .* has none"):
        package_folder(settings(training_package="own"))

    (root / "own" / "mine.py").write_text("")

    assert package_folder(settings(training_package="own")) == root / "own"
    assert package_folder(settings(training_package=str(root / "own"))) == root / "own"
    assert package_folder(settings()) is None


def test_package_with_requirements_is_refused_without_a_network(root):
    (root / "own").mkdir()
    (root / "own" / "mine.py").write_text("")
    (root / "own" / "requirements.txt").write_text("statsmodels")

    assert package_folder(settings(training_package="own")) == root / "own"
    with pytest.raises(InvalidSettings, match=r"without requirements\.txt where training_network is false"):
        package_folder(settings(training_package="own", training_network=False))


@pytest.mark.parametrize("folder", ["../..", "..", ".", "", "own/../..", "/"])
def test_package_outside_the_repository_is_refused(root, folder):
    with pytest.raises(InvalidSettings, match=r"test\.training_package is .*, expected a folder in the repository; /"):
        package_folder(settings(training_package=folder))


def test_unknown_algorithm_is_refused_with_the_known_ones():
    with pytest.raises(
        InvalidSettings,
        match=r"environments\.test\.training_algorithms has 'eas', expected some of blend, buy_again, .*ease",
    ):
        check_algorithms(settings(training_algorithms=["popularity", "eas"]))

    check_algorithms(settings(training_algorithms=["popularity", "ease"]))
    check_algorithms(settings(training_algorithms=["popularity", "of_the_package"], training_package="own"))


def test_job_gets_the_package(other):
    definition = json.loads(flat(other.state_machine("training").properties["DefinitionString"]))
    request = definition["States"]["Train"]["Parameters"]

    channels = {c["ChannelName"]: c["DataSource"]["S3DataSource"] for c in request["InputDataConfig"]}
    asset = channels["package"]["S3Uri"].rsplit("/", 1)[1].removesuffix(".zip")
    assert (other.directory / f"asset.{asset}" / "newcomers.py").is_file()


def test_documented_image_has_the_job_packages_and_no_entrypoint():
    lines = (ROOT / "docs/examples/training.Dockerfile").read_text().splitlines()
    copied = [ROOT / line.split()[1] for line in lines if line.startswith("COPY")]

    assert copied == [ROOT / "model_export/requirements.txt"]
    assert copied[0].is_file()
    assert not [line for line in lines if line.startswith(("ENTRYPOINT", "CMD"))]
