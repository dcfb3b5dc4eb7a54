"""Servers for browsers: distributions, and sign-in of user pools. Each has a separate port."""

import functools
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace

from local_cloud.deployment import Clients, Deployment
from local_cloud.edge.configuration import read_distribution, read_headers_policy
from local_cloud.edge.server import DistributionServer
from local_cloud.gateway.http_api import HttpApiServer
from local_cloud.http_server import HttpServer
from local_cloud.ports import Ports
from local_cloud.resources.properties import Properties
from local_cloud.sign_in.clients import read_user_pools
from local_cloud.sign_in.server import SignInServer, groups_of_operator


class EndpointRewriter:
    """Local addresses of servers, by the AWS addresses that they replace."""

    def __init__(self) -> None:
        self._local: dict[str, str] = {}

    def learn(self, address: str, local: str) -> None:
        self._local[address] = local

    def localize(self, text: str) -> str:
        for address, local in self._local.items():
            text = text.replace(address, local)
        return text

    def localized(self, deployment: Deployment, clients: Clients) -> Deployment:
        """Replace the addresses in stack outputs and in the values of SSM parameters.

        Clients read local addresses from these values. Functions still receive the AWS addresses from templates.
        """
        outputs = {
            stack: {name: self.localize(value) for name, value in values.items()}
            for stack, values in deployment.outputs.items()
        }
        for parameter in deployment.of_type("AWS::SSM::Parameter"):
            value = str(parameter.properties["Value"])
            if (local := self.localize(value)) != value:
                clients("ssm").put_parameter(Name=parameter.physical_id, Value=local, Overwrite=True)
        return replace(deployment, outputs=outputs)


def serve_browsers(
    deployment: Deployment,
    *,
    apis: Mapping[str, HttpApiServer],
    clients: Clients,
    addresses: EndpointRewriter,
    ports: Ports,
    region: str,
    tls: ssl.SSLContext | None,
) -> Iterator[HttpServer]:
    """Start and yield the servers of user pools and distributions.

    Add the addresses of these servers and of `apis` to `addresses`.
    """
    for api in deployment.of_type("AWS::ApiGatewayV2::Api"):
        addresses.learn(api.attributes["ApiEndpoint"], apis[api.physical_id].url)
    for api in deployment.of_type("AWS::ApiGateway::RestApi"):
        for endpoint in api.properties["EndpointConfiguration"].get("VpcEndpointIds", ()):
            name = f"{api.physical_id}-{endpoint}.execute-api.{region}.amazonaws.com"
            addresses.learn(f"https://{name}", apis[api.physical_id].address)
    for pool in read_user_pools(deployment):
        server = SignInServer(
            user_pool_id=pool.pool_id,
            region=region,
            find_client=functools.partial(pool.find, clients=clients, localize=addresses.localize),
            find_groups=functools.partial(groups_of_operator, clients("cognito-idp"), pool.pool_id),
            port=ports.take(f"sign-in {pool.domain}"),
            tls=tls,
        )
        addresses.learn(f"https://{pool.domain}.auth.{region}.amazoncognito.com", server.url)
        yield server
    buckets = {
        bucket.attributes[name]: bucket.physical_id
        for bucket in deployment.of_type("AWS::S3::Bucket")
        for name in ("RegionalDomainName", "DomainName")
    }
    served = {
        api.attributes["ApiEndpoint"].removeprefix("https://"): apis[api.physical_id].serve
        for api in deployment.of_type("AWS::ApiGatewayV2::Api")
    }
    policies = {
        policy.physical_id: read_headers_policy(Properties(policy.properties))
        for policy in deployment.of_type("AWS::CloudFront::ResponseHeadersPolicy")
    }
    for distribution in deployment.of_type("AWS::CloudFront::Distribution"):
        config = read_distribution(Properties(distribution.properties))
        for behavior in config.behaviors:
            hosts, kind = (buckets, "buckets") if behavior.origin.is_bucket else (served, "HTTP APIs")
            for value, known, kinds in (
                (behavior.origin.host, hosts, kind),
                (behavior.headers_policy, {None, *policies}, "response headers policies"),
            ):
                if value not in known:
                    reason = f"{value!r} is none of the {kinds} of this cloud"
                    raise distribution.refusal("DistributionConfig", reason)
        edge = DistributionServer(
            config,
            buckets=buckets,
            apis=served,
            policies=policies,
            s3=clients("s3"),
            localize=addresses.localize,
            port=ports.take(f"pages {distribution.stack}/{distribution.logical_id}"),
            tls=tls,
        )
        addresses.learn(f"https://{distribution.attributes['DomainName']}", edge.url)
        yield edge
