"""REST APIs of API Gateway with an OpenAPI document.

moto stores only the API. The gateway reads the document and the stages from the template.
"""

from local_cloud.resources.resource_type import Created, Creation, creates


@creates(
    "AWS::ApiGateway::RestApi",
    kept={
        "Body": "the gateway reads the document from the template",
        "Parameters": "they concern the import of the document, which is not imported here",
    },
)
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
