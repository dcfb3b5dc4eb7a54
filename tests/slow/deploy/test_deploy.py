"""The CDK's CLI deploys, compares, updates and deletes the stacks on an independent CloudFormation."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import WaiterError

from tests.infra.assembly import STACKS, Assembly, templates
from tests.infra.other_settings import BASE, ENVIRONMENT, FIELDS, PRIVATE, PROTECTED, TEXTS, changed
from tests.infra.setting_changes import STORES, dangers
from tests.slow.deploy.ministack_cloud import ROOT, CommandFailed, running
from tests.slow.deploy.stubs import TYPES

LAST_RELEASE = Path(__file__).with_name("last_release.txt")
IN_CI = {"size"}
"""Settings whose change CI deploys. `size` changes functions, aliases, the stream and limits at the same time."""


@pytest.mark.ci
def test_cdk_deploys_all_stacks_and_then_finds_no_difference(cloud, deployed):
    assert cloud.stacks() == {f"alsolike-{ENVIRONMENT}-{part}": "CREATE_COMPLETE" for part in STACKS}

    cloud.cdk("diff", "--all", "--fail", app=deployed.directory)


@pytest.mark.ci
def test_diff_finds_one_changed_property(cloud, deployed, tmp_path):
    stack = f"alsolike-{ENVIRONMENT}-catalogue"
    app = shutil.copytree(deployed.directory, tmp_path / "app")
    template = app / f"{stack}.template.json"
    template.write_text(template.read_text().replace('"RetentionInDays": 30', '"RetentionInDays": 60'))

    with pytest.raises(CommandFailed, match="RetentionInDays"):
        cloud.cdk("diff", stack, "--exclusively", "--fail", app=app)


@pytest.mark.ci
@pytest.mark.parametrize("resource_type", sorted(TYPES))
def test_stub_refuses_a_property_that_the_registry_refuses(resource_type, cloud):
    cloudformation = cloud.client("cloudformation")
    template = {"Resources": {"Planted": {"Type": resource_type, "Properties": {"Colour": "red"}}}}
    stack = f"alsolike-planted-{resource_type.rpartition('::')[2].lower()}"

    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})

    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    cloudformation.delete_stack(StackName=stack)
    assert any("'Colour' was unexpected" in event.get("ResourceStatusReason", "") for event in events)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.ci] if name in IN_CI else [])
        for name in sorted(FIELDS.keys() - {"stack_protection"})
    ],
)
def test_deployed_stacks_follow_a_change_of_one_setting(name, cloud, deployed, synthesized):
    before = cloud.physical_ids(STORES)

    cloud.deploy(synthesized(changed(name)).directory)

    assert {stack: status for stack, status in cloud.stacks().items() if is_wrong(status)} == {}
    assert before.items() <= cloud.physical_ids(STORES).items()


def test_protected_stacks_refuse_deletion_until_the_setting_is_off(cloud, deployed, synthesized):
    def protected():
        stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"].rpartition("-")[2] for stack in stacks if stack["EnableTerminationProtection"]}

    cloud.deploy(synthesized(changed("stack_protection")).directory)

    assert protected() == {"data", "serving", "training"}
    with pytest.raises(CommandFailed, match="protected from deletion by the setting"):
        destroy(cloud)
    cloud.deploy(deployed.directory)
    assert protected() == set()


DOMAIN = {name: TEXTS[name] for name in ("domain", "certificate_arn")}


@pytest.mark.parametrize("settings", [{**PROTECTED, **DOMAIN}, PRIVATE], ids=["protected", "private"])
def test_environment_with_protecting_settings_is_deployed(settings, synthesized, tmp_path):
    protected = synthesized(settings)

    with running(tmp_path) as account:
        account.deploy(protected.directory)

        assert {stack: status for stack, status in account.stacks().items() if is_wrong(status)} == {}
        account.cdk("diff", "--all", "--fail", app=protected.directory)
        destroy(account)
        assert account.stacks() == {}


def test_last_release_is_upgraded_with_all_its_stored_data(synthesized, base, layers, tmp_path):
    release = synthesize_release(tmp_path, layers=layers)

    assert dangers(release, base) == []
    (tmp_path / "account").mkdir()
    with running(tmp_path / "account") as account:
        account.deploy(release.directory)
        before = account.physical_ids(STORES)
        account.deploy(base.directory)

        assert {stack: status for stack, status in account.stacks().items() if is_wrong(status)} == {}
        assert before.items() <= account.physical_ids(STORES).items()
        # `cdk diff` would also report new parameters of a stack whose resources did not change.
        for path, template in templates(base.directory):
            assert account.template(path.name.removesuffix(".template.json"))["Resources"] == template["Resources"]


@pytest.mark.ci
def test_destroy_deletes_all_stacks_and_data(cloud, deployed):
    destroy(cloud)

    assert cloud.stacks() == {}
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert cloud.client("kinesis").list_streams()["StreamNames"] == []
    assert {bucket["Name"][:3] for bucket in cloud.client("s3").list_buckets()["Buckets"]} == {"cdk"}


def destroy(cloud):
    cloud.run(str(Path(sys.executable).with_name("alsolike")), "destroy", "--env", ENVIRONMENT, "--yes")


def is_wrong(status):
    return "ROLLBACK" in status or not status.endswith("_COMPLETE")


def synthesize_release(folder, *, layers):
    """Return the assembly that the last release, from the repository's history, synthesizes."""
    version, commit = LAST_RELEASE.read_text().split()
    source, outdir = folder / version, folder / "assembly"
    source.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive, check=True)
    context = json.loads((source / "cdk.json").read_bytes())
    context["context"]["environments"][ENVIRONMENT] = BASE
    (source / "cdk.json").write_text(json.dumps(context))
    options = ["--environment", ENVIRONMENT, "--outdir", str(outdir), "--layers", str(layers), "--skip-template-check"]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join((str(source), str(source / "layers" / "core" / "python")))}
    subprocess.run([sys.executable, "-m", "infra_cdk.app", *options], cwd=source, env=variables, check=True)
    return Assembly.read(outdir)
