import base64
import dataclasses
import json
import os

import pytest

from local_cloud.client import Cloud, CloudError
from local_cloud.state import CloudState

STATE = CloudState("ready", os.getpid(), "us-east-1", "123456789012", "2026-01-30T10:00:00+00:00", "/cdk.out")


def test_token_is_issued_to_the_client_with_the_fewest_sufficient_scopes(moto_endpoint):
    state = dataclasses.replace(STATE, endpoint=moto_endpoint)
    cognito = Cloud(state).client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="shop")["UserPool"]["Id"]
    scopes = {
        "reader": ["api/read"],
        "writer": ["api/read", "api/write"],
        "owner": ["api/read", "api/write", "api/own"],
    }
    clients = {
        name: cognito.create_user_pool_client(UserPoolId=pool, ClientName=name, AllowedOAuthScopes=allowed)[
            "UserPoolClient"
        ]["ClientId"]
        for name, allowed in scopes.items()
    }
    cloud = Cloud(dataclasses.replace(state, user_pools={pool: list(clients.values())}))

    issued = {scope: _client_id(cloud.token([f"api/{scope}"])) for scope in ("read", "write", "own")}

    assert issued == {"read": clients["reader"], "write": clients["writer"], "own": clients["owner"]}
    with pytest.raises(CloudError, match=r"no client of user pool .* may have the scopes api/other"):
        cloud.token(["api/other"])


def _client_id(token):
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["client_id"])
