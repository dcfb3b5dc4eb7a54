"""CloudFront: distributions and response headers.

These resources are not stored in moto. `local_cloud.edge` serves the deployment's distributions.
"""

from collections.abc import Mapping
from typing import Final

from local_cloud.edge import configuration
from local_cloud.resources.resource_type import Created, Creation, ResourceType


def _create_distribution(creation: Creation) -> Created:
    configuration.read_distribution(creation.properties)
    name = creation.token(13)
    return Created(f"E{name.upper()}", {"Id": f"E{name.upper()}", "DomainName": f"d{name}.cloudfront.net"})


def _create_headers_policy(creation: Creation) -> Created:
    configuration.read_headers_policy(creation.properties)
    return Created(creation.token(13), {"Id": creation.token(13)})


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::CloudFront::Distribution": ResourceType(_create_distribution),
    "AWS::CloudFront::ResponseHeadersPolicy": ResourceType(_create_headers_policy),
}
