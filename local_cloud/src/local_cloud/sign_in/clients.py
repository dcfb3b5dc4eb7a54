"""App clients of a deployment for the authorization server."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from local_cloud.deployment import Clients, Deployment, Resource

_UNIT_S = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html
_VALIDITY = {"AccessToken": (1, "hours"), "IdToken": (1, "hours"), "RefreshToken": (30, "days")}


@dataclass(frozen=True, slots=True)
class AppClient:
    """App client with URLs on this machine. `secret` is None for a public client."""

    client_id: str
    secret: str | None
    flows: Sequence[str]
    scopes: Sequence[str]
    callback_urls: Sequence[str]
    logout_urls: Sequence[str]
    access_s: int
    id_s: int
    refresh_s: int


@dataclass(frozen=True, slots=True)
class UserPool:
    pool_id: str
    domain: str
    clients: Mapping[str, Resource]

    def find(self, client_id: str, *, clients: Clients, localize: Callable[[str], str]) -> AppClient | None:
        """Return a client of the pool with its current secret and URLs, or None if the ID is unknown."""
        if client_id not in self.clients:
            return None
        resource = self.clients[client_id]
        properties = resource.properties
        answer = clients("cognito-idp").describe_user_pool_client(UserPoolId=self.pool_id, ClientId=client_id)
        stored = answer["UserPoolClient"]
        return AppClient(
            client_id=client_id,
            secret=stored.get("ClientSecret") if properties.get("GenerateSecret") else None,
            flows=tuple(properties.get("AllowedOAuthFlows") or ()),
            scopes=tuple(properties.get("AllowedOAuthScopes") or ()),
            callback_urls=tuple(localize(url) for url in stored.get("CallbackURLs") or ()),
            logout_urls=tuple(localize(url) for url in stored.get("LogoutURLs") or ()),
            access_s=_validity_s(resource, "AccessToken"),
            id_s=_validity_s(resource, "IdToken"),
            refresh_s=_validity_s(resource, "RefreshToken"),
        )


def read_user_pools(deployment: Deployment) -> Iterator[UserPool]:
    clients = deployment.of_type("AWS::Cognito::UserPoolClient")
    for domain in deployment.of_type("AWS::Cognito::UserPoolDomain"):
        pool_id = domain.properties["UserPoolId"]
        pool_clients = {each.physical_id: each for each in clients if each.properties["UserPoolId"] == pool_id}
        yield UserPool(pool_id, domain.physical_id, pool_clients)


def _validity_s(resource: Resource, token: str) -> int:
    default, default_unit = _VALIDITY[token]
    unit = (resource.properties.get("TokenValidityUnits") or {}).get(token, default_unit)
    return int(resource.properties.get(f"{token}Validity", default)) * _UNIT_S[unit]
