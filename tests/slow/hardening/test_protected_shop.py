"""A shop with protecting settings, and IAM's decisions about its own key."""

import json
import shutil
import subprocess
import sys

import pytest

from local_cloud.client import Cloud, CloudError
from operations.boot import LAYERS
from tests.booted.assemblies import ROOT, synthesized
from tests.infra.assembly import templates
from tests.infra.other_settings import PROTECTED
from tests.system.trained.opened_shop import OpenedShop


@pytest.fixture(scope="module")
def protected():
    """Synthesize a shop with all protecting settings and the wheels of its jobs."""
    if not (LAYERS / "glue-x86_64.gluewheels.zip").exists():
        command = [sys.executable, "-m", "layers.build", "training", "--output", str(LAYERS)]
        subprocess.run(command, cwd=ROOT, check=True)
    return synthesized(**PROTECTED, time_budget_ms=0)


def test_protected_shop_imports_trains_and_recommends(protected, tmp_path):
    # At its end, the shop fails if IAM would refuse a request of a role.
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
