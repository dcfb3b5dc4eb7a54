"""Training job: its permissions, container, code, and algorithms of the shop."""

import fnmatch
import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from infra_cdk.constructs import own_algorithms
from infra_cdk.constructs.own_algorithms import ROOT, check_algorithms, package_folder
from infra_cdk.constructs.python_layers import MissingLayer
from infra_cdk.constructs.training_job import TrainingJob
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings
from tests.infra.assembly import flat, granted


def test_workflow_has_the_permissions_to_wait_for_a_training_job(demo):
    machine = demo.state_machine("training")
    role = demo.referred(machine.properties["RoleArn"], stack=machine.stack)

    # https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
    expected = {
        f"sagemaker:{name}" for name in ("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "ListTags")
    }
    expected |= {"iam:PassRole", *(f"events:{name}" for name in ("PutTargets", "PutRule", "DescribeRule"))}
    assert expected <= {action for action, _ in granted(role)}


@pytest.mark.parametrize(
    ("name", "is_own"),
    [
        ("alsolike-demo-20260301t040506-8cb309", True),
        ("alsolike-prod-20260301t040506-8cb309", False),
        ("alsolike-demo-2-20260301t040506-8cb309", False),
        # The environment has the longest permitted name.
        ("alsolike-demo-20260301t04-20260301t040506-8cb309", False),
        ("alsolike-20260301t040506-8cb309", False),
    ],
)
def test_workflow_may_stop_only_training_jobs_of_its_environment(demo, name, is_own):
    machine = demo.state_machine("training")
    role = demo.referred(machine.properties["RoleArn"], stack=machine.stack)
    (jobs,) = [arn for action, arn in granted(role) if action == "sagemaker:StopTrainingJob"]

    # IAM's wildcards in ARNs have the same meaning as wildcards in file names.
    assert fnmatch.fnmatchcase(name, jobs.rpartition("/")[2]) is is_own


def test_arguments_of_the_training_container_are_accepted(workflow):
    """CreateTrainingJob accepts arguments of at most 256 characters without line breaks."""
    entrypoint = workflow["Train"]["Parameters"]["AlgorithmSpecification"]["ContainerEntrypoint"]

    assert all(len(argument) <= 256 and "\n" not in argument for argument in entrypoint)


def test_job_code_is_the_training_code_with_the_core(demo, workflow):
    channels = workflow["Train"]["Parameters"]["InputDataConfig"]
    (uri,) = [c["DataSource"]["S3DataSource"]["S3Uri"] for c in channels if c["ChannelName"] == "code"]

    code = demo.directory / f"asset.{uri.rsplit('/', 1)[1].removesuffix('.zip')}"

    assert sorted(path.name for path in code.iterdir()) == ["layers", "model_export"]
    assert (code / "model_export" / "entrypoint.sh").is_file()
    assert (code / "model_export" / "job" / "train.py").is_file()
    assert (code / "layers" / "core" / "python" / "alsolike" / "bundle" / "bundle.py").is_file()
    assert [path.name for path in (code / "layers").iterdir()] == ["core"]


def request_of(stack, name, settings, *, layers=Path("nowhere")):
    artefacts = s3.Bucket(stack, f"{name}Bucket")
    job = TrainingJob(stack, name, settings=settings, encryption=None, artefacts=artefacts, layers=layers)
    return job.request(run_id="$.run", dataset_s3_uri="$.dataset", spot=True)


def test_job_without_a_network_gets_its_packages_in_a_channel(tmp_path):
    stack = cdk.Stack(cdk.App(), "Stack")
    settings = Settings(name="x", region="eu-west-1", training_network=False)
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/own:1"
    own_image = Settings(name="x", region="eu-west-1", training_network=False, training_image=image)

    with pytest.raises(MissingLayer, match=r"build it with: python -m layers\.build training"):
        request_of(stack, "Unbuilt", settings, layers=tmp_path)
    (tmp_path / "training-x86_64/python/numpy").mkdir(parents=True)
    isolated = request_of(stack, "Isolated", settings, layers=tmp_path)
    image_request = request_of(stack, "OfImage", own_image, layers=tmp_path)
    usual = request_of(stack, "Usual", Settings(name="x", region="eu-west-1"), layers=tmp_path)

    requests = (isolated, image_request, usual)
    assert [each.get("EnableNetworkIsolation") for each in requests] == [True, True, None]
    channels = [[channel["ChannelName"] for channel in each["InputDataConfig"]] for each in requests]
    assert channels == [["dataset", "code", "packages"], ["dataset", "code"], ["dataset", "code"]]


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
