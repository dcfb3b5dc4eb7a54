"""REST APIs of API Gateway with an OpenAPI document, and their stages.

moto stores only the API. The gateway reads the document and the stages from the template.
"""

from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType


def _create_api(creation: Creation) -> Created:
    properties = creation.properties
    configuration = properties.get("EndpointConfiguration", {})
    api = creation.clients("apigateway").create_rest_api(
        name=properties.get("Name", creation.logical_id),
        endpointConfiguration={
            "types": configuration.get("Types", []),
            "vpcEndpointIds": configuration.get("VpcEndpointIds", []),
        },
        tags=creation.tag_map(),
    )
    return Created(api["id"], {"RestApiId": api["id"], "RootResourceId": api["rootResourceId"]})


def _create_deployment(creation: Creation) -> Created:
    creation.properties.keep("Description", "RestApiId")
    deployment_id = creation.name(None, limit=128)
    return Created(deployment_id, {"DeploymentId": deployment_id})


def _create_stage(creation: Creation) -> Created:
    creation.properties.keep("AccessLogSetting", "DeploymentId", "MethodSettings", "RestApiId", "Tags", "Variables")
    return Created(creation.properties["StageName"])


def _create_account(creation: Creation) -> Created:
    creation.properties.keep("CloudWatchRoleArn")
    return Created(creation.name(None, limit=128))


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::ApiGateway::Account": ResourceType(_create_account),
    "AWS::ApiGateway::Deployment": ResourceType(_create_deployment),
    "AWS::ApiGateway::RestApi": ResourceType(
        _create_api,
        kept={
            "Body": "the gateway reads the document from the template",
            "Parameters": "they concern the import of the document, which is not imported here",
        },
    ),
    "AWS::ApiGateway::Stage": ResourceType(_create_stage),
}
