"""Functions with SnapStart or provisioned concurrency."""

from local_cloud.deployment import Deployment, Resource
from local_cloud.resources.functions import fast_starting


def resource(kind, physical_id, **properties):
    return Resource("shop", physical_id, f"AWS::Lambda::{kind}", physical_id, {}, properties)


def test_aliases_with_snapstart_or_provisioned_concurrency_start_fast():
    deployment = Deployment(
        (
            resource("Function", "snapped", SnapStart={"ApplyOn": "PublishedVersions"}),
            resource("Function", "unsnapped", SnapStart={"ApplyOn": "None"}),
            resource("Function", "plain"),
            resource("Alias", "arn:snapped:live", FunctionName="snapped"),
            resource("Alias", "arn:unsnapped:live", FunctionName="unsnapped"),
            resource("Alias", "arn:plain:live", FunctionName="plain"),
            resource(
                "Alias",
                "arn:plain:provisioned",
                FunctionName="plain",
                ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 1},
            ),
        ),
        outputs={},
    )

    assert fast_starting(deployment) == ["arn:snapped:live", "arn:plain:provisioned"]
