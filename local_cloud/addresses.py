"""Puts the addresses that work on this machine in place of those that AWS would have given."""

from collections.abc import Mapping
from dataclasses import replace

from local_cloud.deployment import Clients, Deployment


def localize(deployment: Deployment, api_urls: Mapping[str, str], clients: Clients) -> Deployment:
    """Replace the endpoints of HTTP APIs in stack outputs and in the values of SSM parameters.

    Those are where clients look. What the templates hand to functions keeps AWS's names.
    """
    endpoints = {
        api.attributes["ApiEndpoint"]: api_urls[api.physical_id]
        for api in deployment.of_type("AWS::ApiGatewayV2::Api")
        if api.physical_id in api_urls and "ApiEndpoint" in api.attributes
    }
    outputs = {
        stack: {name: _replaced(value, endpoints) for name, value in values.items()}
        for stack, values in deployment.outputs.items()
    }
    for parameter in deployment.of_type("AWS::SSM::Parameter"):
        value = str(parameter.properties["Value"])
        if (local := _replaced(value, endpoints)) != value:
            clients("ssm").put_parameter(Name=parameter.physical_id, Value=local, Overwrite=True)
    return replace(deployment, outputs=outputs)


def _replaced(text: str, endpoints: Mapping[str, str]) -> str:
    for endpoint, url in endpoints.items():
        text = text.replace(endpoint, url)
    return text
