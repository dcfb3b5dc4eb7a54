"""Servers for browsers: distributions, and sign-in of user pools. Each has a separate port."""

import functools
import ssl
from collections.abc import Callable, Mapping

from local_cloud.deployment import Clients, Deployment, Resource
from local_cloud.edge.configuration import read_distribution, read_headers_policy
from local_cloud.edge.server import DistributionServer
from local_cloud.endpoint_rewriter import EndpointRewriter
from local_cloud.gateway.http_api import HttpApiServer
from local_cloud.ports import Ports
from local_cloud.resources.properties import Properties
from local_cloud.sign_in.clients import AppClient, UserPool, app_client, read_user_pools
from local_cloud.sign_in.server import SignInServer, groups_of_operator


class Fronts:
    def __init__(
        self,
        deployment: Deployment,
        *,
        apis: Mapping[str, HttpApiServer],
        clients: Clients,
        addresses: EndpointRewriter,
        ports: Ports,
        region: str,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._servers: list[DistributionServer | SignInServer] = []
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
                find_client=_finder(pool, clients=clients, localize=addresses.localize),
                find_groups=functools.partial(groups_of_operator, clients("cognito-idp"), pool.pool_id),
                port=ports.take(f"sign-in {pool.domain}"),
                tls=tls,
            )
            self._servers.append(server)
            addresses.learn(f"https://{pool.domain}.auth.{region}.amazoncognito.com", server.url)
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
            self._servers.append(edge)
            addresses.learn(f"https://{distribution.attributes['DomainName']}", edge.url)

    def stop(self) -> None:
        for server in self._servers:
            server.stop()


def _finder(pool: UserPool, *, clients: Clients, localize: Callable[[str], str]) -> Callable[[str], AppClient | None]:
    resources: dict[str, Resource] = {client.physical_id: client for client in pool.clients}

    def find(client_id: str) -> AppClient | None:
        if client_id not in resources:
            return None
        return app_client(resources[client_id], pool_id=pool.pool_id, clients=clients, localize=localize)

    return find
