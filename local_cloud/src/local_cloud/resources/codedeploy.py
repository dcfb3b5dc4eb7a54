"""CodeDeploy's applications and deployment groups, which release versions of functions."""

from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType, camel_case

_GROUP = (
    "AlarmConfiguration", "AutoRollbackConfiguration", "DeploymentConfigName", "DeploymentStyle", "ServiceRoleArn",
)  # fmt: skip


def _create_application(creation: Creation) -> Created:
    name = creation.name("ApplicationName", limit=100)
    platform = creation.properties.get("ComputePlatform", "Server")
    creation.clients("codedeploy").create_application(applicationName=name, computePlatform=platform)
    return Created(name)


def _create_group(creation: Creation) -> Created:
    name = creation.name("DeploymentGroupName", limit=100)
    creation.clients("codedeploy").create_deployment_group(
        applicationName=creation.properties["ApplicationName"],
        deploymentGroupName=name,
        **camel_case(creation.properties.take(*_GROUP)),
    )
    return Created(name)


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::CodeDeploy::Application": ResourceType(_create_application),
    "AWS::CodeDeploy::DeploymentGroup": ResourceType(_create_group),
}
