"""CloudFront: distributions and response headers.

These resources are not stored in moto. `local_cloud.edge` serves the deployment's distributions.
"""

from local_cloud.edge import configuration
from local_cloud.resources.resource_type import Created, Creation, creates


@creates("AWS::CloudFront::Distribution")
def _create_distribution(creation: Creation) -> Created:
    configuration.read_distribution(creation.properties)
    name = creation.token(13)
    return Created(f"E{name.upper()}", {"Id": f"E{name.upper()}", "DomainName": f"d{name}.cloudfront.net"})


@creates("AWS::CloudFront::ResponseHeadersPolicy")
def _create_headers_policy(creation: Creation) -> Created:
    configuration.read_headers_policy(creation.properties)
    return Created(creation.token(13), {"Id": creation.token(13)})
