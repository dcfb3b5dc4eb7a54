"""A shop with protecting settings, and IAM's decisions about its own key."""

import json
import shutil

import pytest

from local_cloud.client import Cloud, CloudError
from tests.booted.assemblies import synthesized
from tests.infra.assembly import templates
from tests.system.trained.opened_shop import OpenedShop


@pytest.fixture(scope="module")
def encrypted():
    return synthesized(
        audit_trail=True,
        backup_days=35,
        kms_key_arn="create",
        stack_drift_schedule="rate(30 days)",
        time_budget_ms=0,
        waf="create",
    )


def test_encrypted_shop_imports_trains_and_recommends(encrypted, tmp_path):
    # At its end, the shop fails if IAM would refuse a request of a role.
    with OpenedShop.booted(encrypted, tmp_path) as shop:
        shop.open(tmp_path)

        assert shop.recommend("visitor").items
        keys = {
            role["resources"][0]: role["action"]
            for role in shop.cloud.permissions()["grants"]
            if role["action"].startswith("kms:") and role["used"]
        }
        assert shop.name("kms-key-arn") in keys


def test_function_without_the_grant_on_the_key_is_refused(encrypted, tmp_path):
    assembly = shutil.copytree(encrypted, tmp_path / "assembly")
    for path, template in templates(assembly):
        for resource in template["Resources"].values():
            policies = resource.get("Properties", {}).get("Policies", [])
            if resource["Type"] == "AWS::IAM::Role":
                policies[:] = [policy for policy in policies if policy["PolicyName"] != "encryption"]
        path.write_text(json.dumps(template))

    with pytest.raises(CloudError, match="not authorized to perform: kms:Decrypt"):
        Cloud.start(assembly, state=tmp_path / "cloud.json").stop()
