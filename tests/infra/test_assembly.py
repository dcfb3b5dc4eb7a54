"""Complete assembly: its bytes, findings and assets, and the commands that write it."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns

from infra_cdk import app as infra_app
from infra_cdk import node_executable, use_installed_node
from infra_cdk.constructs import python_function
from infra_cdk.constructs.python_layers import MissingLayer
from tests.infra.assembly import FUNCTIONS, STACKS, Assembly, synthesize
from tests.infra.imports import files

ROOT = Path(__file__).parents[2]
CDK = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
# Resource types with a fixed name, because clients use it or CloudFormation requires one.
NAMED = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::Glue::Job",  # The workflow and operators start the job by its name.
    "AWS::Glue::SecurityConfiguration",  # CloudFormation generates no name for it.
    "AWS::Lambda::Alias",
    "AWS::Logs::LogGroup",  # The prefix /aws/vendedlogs/ is required.
    "AWS::SSM::Parameter",
    "AWS::SageMaker::ModelPackageGroup",
}


def test_two_syntheses_write_identical_files(demo, layers, tmp_path):
    again = synthesize("demo", layers=layers, outdir=tmp_path / "again").directory

    names = sorted(path.relative_to(again).as_posix() for path in again.rglob("*") if path.is_file())
    before = sorted(p.relative_to(demo.directory).as_posix() for p in demo.directory.rglob("*") if p.is_file())
    _, different, unreadable = filecmp.cmpfiles(demo.directory, again, names, shallow=False)

    assert names == before
    assert (different, unreadable) == ([], [])


@pytest.mark.parametrize("environment", ["demo", "dev", "prod", "spare", "other"])
def test_assemblies_have_no_unacknowledged_cdk_nag_findings(environment, request):
    assembly: Assembly = request.getfixturevalue(environment)

    report = json.loads((assembly.directory / "validation-report.json").read_bytes())
    assert {plugin["conclusion"] for plugin in report["pluginReports"]} <= {"success"}
    assert [v for plugin in report["pluginReports"] for v in plugin["violations"]] == []


def test_cdk_nag_finding_fails_the_synthesis(layers, tmp_path, monkeypatch):
    monkeypatch.setattr(infra_app, "add_stacks", lambda app, **_: sns.Topic(cdk.Stack(app, "careless"), "Topic"))
    app = infra_app.create_app(
        infra_app.read_context(), environment="demo", outdir=tmp_path, layers=layers, check_templates=False
    )

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()

    assert "AwsSolutions-SNS3" in (tmp_path / "validation-report.json").read_text()


def test_assembly_has_no_custom_resources(assembly):
    assert not [r.type for r in assembly.resources if r.type.startswith(("Custom::", "AWS::CloudFormation::"))]


def test_resources_have_physical_names_only_if_clients_need_them(assembly):
    physical = (
        "AliasName", "BucketName", "DBName", "FunctionName", "LayerName", "LogGroupName", "Name", "RoleName",
        "StateMachineName", "TableName", "TopicName", "UserPoolName", "ModelPackageGroupName",
    )  # fmt: skip

    named = {
        resource.type
        for resource in assembly.resources
        if any(isinstance(resource.properties.get(name), str) for name in physical)
    }

    assert named == NAMED


def test_stacks_of_two_environments_have_different_names(demo, prod):
    def names(assembly):
        return {resource.stack for resource in assembly.resources}

    assert names(demo) == {f"alsolike-demo-{part}" for part in STACKS}
    assert not names(demo) & names(prod)


def test_function_asset_contains_only_its_function(demo):
    def asset(name):
        return demo.directory / f"asset.{demo.function(name).properties['Code']['S3Key'].removesuffix('.zip')}"

    contents = {name: sorted(path.name for path in (asset(name) / "functions").iterdir()) for name in FUNCTIONS}

    assert contents == {name: ["__init__.py", name] for name in FUNCTIONS}
    assert all((asset(name) / "functions" / name / "handler.py").is_file() for name in FUNCTIONS)
    assert [path for name in FUNCTIONS for path in asset(name).rglob("*.pyc")] == []


def test_function_asset_contains_the_operations_it_imports(demo):
    missing = {}
    for name in FUNCTIONS:
        asset = demo.directory / f"asset.{demo.function(name).properties['Code']['S3Key'].removesuffix('.zip')}"
        needed = files(f"functions.{name}.handler", under="operations")
        if absent := {path for path in needed if not (asset / path).is_file()}:
            missing[name] = absent

    assert missing == {}


def test_edit_of_one_function_changes_only_its_asset(demo, layers, tmp_path, monkeypatch):
    repository = tmp_path / "repository"
    for part in ("functions", "operations"):
        shutil.copytree(ROOT / part, repository / part)
    monkeypatch.setattr(python_function, "ROOT", repository)

    with (repository / "functions" / "collect" / "handler.py").open("a") as file:
        file.write("# edited\n")
    edited = synthesize("demo", layers=layers, outdir=tmp_path / "edited")

    def code(assembly):
        return {name: assembly.function(name).properties["Code"]["S3Key"] for name in FUNCTIONS}

    old, new = code(demo), code(edited)
    assert {name for name in FUNCTIONS if old[name] != new[name]} == {"collect"}


def test_missing_layer_error_has_the_build_command(tmp_path):
    with pytest.raises(MissingLayer, match=r"build it with: python -m layers\.build core --architecture arm64"):
        synthesize("demo", layers=tmp_path, outdir=tmp_path / "out")


def test_unknown_environment_error_is_printed(tmp_path, capsys):
    status = infra_app.main(["--environment", "staging", "--outdir", str(tmp_path)])

    assert status == 1
    assert "error: environment 'staging' is not in cdk.json" in capsys.readouterr().err


def test_packaged_node_is_used_unless_another_is_set():
    unset: dict[str, str] = {}
    named = {"JSII_NODE": "/opt/node"}

    use_installed_node(unset)
    use_installed_node(named)

    assert unset == {"JSII_NODE": str(node_executable())}
    assert os.access(unset["JSII_NODE"], os.X_OK)
    assert named == {"JSII_NODE": "/opt/node"}


def cdk_command(*arguments):
    assert CDK.is_file(), f"{CDK} is missing: run the tests with `make test`, which installs it"
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CI": "false",  # With "true", the CLI writes its log to standard output.
    }
    command = [str(node_executable()), str(CDK), *arguments]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def dev(layers, tmp_path_factory):
    """Synthesize an environment with the CDK's command line, which also validates the templates."""
    outdir = tmp_path_factory.mktemp("dev")
    app = json.loads((ROOT / "cdk.json").read_bytes())["app"]
    options = ("--strict", "--quiet", "-c", "environment=dev", "--output", str(outdir))
    cdk_command("synth", *options, "--app", f"{app} --layers {layers}")
    return Assembly.read(outdir)


def test_cdk_command_synthesizes_strictly_and_lists_the_stacks(dev):
    # The finished assembly replaces the app, so that the app does not run again.
    stacks = cdk_command("ls", "--app", str(dev.directory)).split()

    assert sorted(stacks) == [f"alsolike-dev-{part}" for part in STACKS]
