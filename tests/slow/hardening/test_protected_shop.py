"""Shop with all protecting settings, and IAM's decisions on the key of the shop."""

import json
import shutil

import pytest

from infra_cdk.app import create_app, read_context
from layers.build import build
from layers.contents import TRAINING
from layers.target import host_target
from local_cloud.client import Cloud, CloudError
from operations.embedded_cloud import LAYERS
from tests.booted.assemblies import PATIENT, build_layers
from tests.infra.assembly import templates
from tests.infra.other_settings import PROTECTED
from tests.system.trained.opened_shop import OpenedShop


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    """Return a folder with the layers, and with the training job's packages for the Python that runs the job here."""
    folder = tmp_path_factory.mktemp("layers")
    build_layers()
    for layer in LAYERS.glob("*-*"):
        if layer.is_dir() and not layer.name.startswith("training"):
            shutil.copytree(layer, folder / layer.name)
    target = host_target()
    assert target
    build(TRAINING, target, folder)
    (folder / "glue-x86_64.gluewheels.zip").touch()  # The lake of this shop is too small for Glue.
    return folder


@pytest.fixture(scope="module")
def protected(layers, tmp_path_factory):
    outdir = tmp_path_factory.mktemp("assembly")
    overrides = {**PROTECTED, **PATIENT}
    create_app(read_context(), environment="demo", outdir=outdir, layers=layers, overrides=overrides).synth()
    return outdir


def test_protected_shop_imports_trains_and_recommends(protected, tmp_path):
    # At its end, `booted` asserts that IAM would refuse no request of a role.
    with OpenedShop.booted(protected, tmp_path) as shop:
        shop.open(tmp_path)

        assert shop.recommend("visitor").items
        keys = {
            role["resources"][0]: role["action"]
            for role in shop.cloud.permissions()["grants"]
            if role["action"].startswith("kms:") and role["used"]
        }
        assert shop.name("kms-key-arn") in keys
        functions = shop.cloud.client("lambda").list_functions()["Functions"]
        assert {len(function["VpcConfig"]["SubnetIds"]) for function in functions} == {2}


def test_function_without_the_grant_on_the_key_is_refused(protected, tmp_path):
    assembly = shutil.copytree(protected, tmp_path / "assembly")
    for path, template in templates(assembly):
        for resource in template["Resources"].values():
            policies = resource.get("Properties", {}).get("Policies", [])
            if resource["Type"] == "AWS::IAM::Role":
                policies[:] = [policy for policy in policies if policy["PolicyName"] != "encryption"]
        path.write_text(json.dumps(template))

    with pytest.raises(CloudError, match="not authorized to perform: kms:Decrypt"):
        Cloud.start(assembly, state=tmp_path / "cloud.json").stop()
