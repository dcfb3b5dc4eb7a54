"""Cognito user pools and their clients."""

from typing import Any

from local_cloud.resources.resource_type import Created, Creation, creates


@creates("AWS::Cognito::UserPool")
def _create_user_pool(creation: Creation) -> Created:
    properties, cognito = creation.properties, creation.clients("cognito-idp")
    name = creation.name("UserPoolName", limit=128)
    pool = creation.call("cognito-idp", "create_user_pool", PoolName=name)["UserPool"]
    pool_id = pool["Id"]
    if enabled := properties.get("EnabledMfas"):
        cognito.set_user_pool_mfa_config(
            UserPoolId=pool_id,
            MfaConfiguration=properties.get("MfaConfiguration", "OFF"),
            **_mfa_methods(enabled, sms=properties.get("SmsConfiguration")),
        )
    issuer = f"cognito-idp.{creation.region}.amazonaws.com/{pool_id}"
    return Created(
        pool_id,
        {
            "Arn": pool["Arn"],
            "UserPoolId": pool_id,
            "ProviderName": issuer,
            "ProviderURL": f"https://{issuer}",
        },
    )


def _mfa_methods(enabled: list[str], *, sms: Any) -> dict[str, Any]:
    methods: dict[str, Any] = {}
    if "SOFTWARE_TOKEN_MFA" in enabled:
        methods["SoftwareTokenMfaConfiguration"] = {"Enabled": True}
    if "SMS_MFA" in enabled:
        methods["SmsMfaConfiguration"] = {"SmsConfiguration": sms}
    return methods


@creates("AWS::Cognito::UserPoolClient")
def _create_client(creation: Creation) -> Created:
    name = creation.name("ClientName", limit=128)
    client = creation.call("cognito-idp", "create_user_pool_client", ClientName=name)["UserPoolClient"]
    attributes = {"ClientId": client["ClientId"], "Name": client["ClientName"]}
    if "ClientSecret" in client:
        attributes["ClientSecret"] = client["ClientSecret"]
    return Created(client["ClientId"], attributes)
