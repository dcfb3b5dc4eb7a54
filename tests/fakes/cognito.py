"""User pools of Cognito in memory: clients and their secrets."""

from __future__ import annotations

from tests.fakes.service import REGION, MemoryService, Request, Response, ServiceError, operation

_SETTINGS = ("ClientName", "AllowedOAuthFlows", "CallbackURLs", "LogoutURLs")


class MemoryCognito(MemoryService):
    """All user pools of one account."""

    def __init__(self) -> None:
        self._pools: dict[str, dict[str, Response]] = {}

    @operation("PoolName")
    def create_user_pool(self, request: Request) -> Response:
        pool_id = f"{REGION}_pool{len(self._pools)}"
        self._pools[pool_id] = {}
        return {"UserPool": {"Id": pool_id, "Name": request["PoolName"]}}

    @operation("UserPoolId", "GenerateSecret", *_SETTINGS)
    def create_user_pool_client(self, request: Request) -> Response:
        clients = self._pools[request["UserPoolId"]]
        client = {name: value for name, value in request.items() if name != "GenerateSecret"}
        client["ClientId"] = f"client{len(clients)}"
        if request.get("GenerateSecret"):
            client["ClientSecret"] = f"secret of {client['ClientId']}"
        clients[client["ClientId"]] = client
        return {"UserPoolClient": client}

    @operation("UserPoolId", "ClientId")
    def describe_user_pool_client(self, request: Request) -> Response:
        client = self._pools.get(request["UserPoolId"], {}).get(request["ClientId"])
        if client is None:
            raise ServiceError("ResourceNotFoundException", f"User pool client {request['ClientId']} does not exist.")
        return {"UserPoolClient": client}

    @operation("UserPoolId", "ClientId", *_SETTINGS)
    def update_user_pool_client(self, request: Request) -> Response:
        client = self.describe_user_pool_client(request)["UserPoolClient"]
        # Settings that a request does not contain are reset.
        for name in _SETTINGS:
            client.pop(name, None)
        client.update(request)
        return {"UserPoolClient": client}
