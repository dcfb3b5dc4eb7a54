"""Session tokens for operators' pages, such as the storefront."""

from __future__ import annotations

from typing import Any

from alsolike.api.operate_requests import SESSION_TOKEN
from alsolike.events.session_tokens import DEFAULT_LIFETIME_S, Session, mint
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import SecretsManagerClient
from functions.operate.request import OperatorRequest


def create(secretsmanager: SecretsManagerClient, key_arn: str, request: OperatorRequest) -> dict[str, Any]:
    fields = request.body(SESSION_TOKEN)
    session = Session(fields["sessionId"], fields.get("userId"), operator=True)
    with translate_aws_errors(f"secret {key_arn}"):
        key = str(secretsmanager.get_secret_value(SecretId=key_arn)["SecretString"]).encode()
    token = mint(key, session, now_s=request.now_ms // 1000)
    return {"token": token, "sessionId": session.session_id, "expiresInS": DEFAULT_LIFETIME_S}
