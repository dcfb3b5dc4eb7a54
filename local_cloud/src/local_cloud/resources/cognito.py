"""Cognito user pools: clients, domains and resource servers."""

from collections.abc import Mapping
from typing import Any, Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType

_POOL = (
    "AccountRecoverySetting", "AdminCreateUserConfig", "AliasAttributes", "AutoVerifiedAttributes",
    "DeletionProtection", "DeviceConfiguration", "EmailConfiguration", "EmailVerificationMessage",
    "EmailVerificationSubject", "LambdaConfig", "MfaConfiguration", "Policies", "Schema", "SmsAuthenticationMessage",
    "SmsConfiguration", "SmsVerificationMessage", "UserAttributeUpdateSettings", "UserPoolAddOns", "UserPoolTags",
    "UserPoolTier", "UsernameAttributes", "UsernameConfiguration", "VerificationMessageTemplate",
)  # fmt: skip
_CLIENT = (
    "AccessTokenValidity", "AllowedOAuthFlows", "AllowedOAuthFlowsUserPoolClient", "AllowedOAuthScopes",
    "AnalyticsConfiguration", "AuthSessionValidity", "CallbackURLs", "DefaultRedirectURI", "EnableTokenRevocation",
    "ExplicitAuthFlows", "GenerateSecret", "IdTokenValidity", "LogoutURLs", "PreventUserExistenceErrors",
    "ReadAttributes", "RefreshTokenRotation", "RefreshTokenValidity", "SupportedIdentityProviders",
    "TokenValidityUnits", "UserPoolId", "WriteAttributes",
)  # fmt: skip


def _create_user_pool(creation: Creation) -> Created:
    properties, cognito = creation.properties, creation.clients("cognito-idp")
    pool = cognito.create_user_pool(PoolName=creation.name("UserPoolName", limit=128), **properties.take(*_POOL))[
        "UserPool"
    ]
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


def _create_client(creation: Creation) -> Created:
    client = creation.clients("cognito-idp").create_user_pool_client(
        ClientName=creation.name("ClientName", limit=128), **creation.properties.take(*_CLIENT)
    )["UserPoolClient"]
    attributes = {"ClientId": client["ClientId"], "Name": client["ClientName"]}
    if "ClientSecret" in client:
        attributes["ClientSecret"] = client["ClientSecret"]
    return Created(client["ClientId"], attributes)


def _create_domain(creation: Creation) -> Created:
    properties = creation.properties
    answer = creation.clients("cognito-idp").create_user_pool_domain(
        **properties.take("Domain", "UserPoolId", "CustomDomainConfig", "ManagedLoginVersion")
    )
    domain = properties["Domain"]
    return Created(domain, {"CloudFrontDistribution": answer.get("CloudFrontDomain", "")})


def _create_resource_server(creation: Creation) -> Created:
    server = creation.properties.take("UserPoolId", "Identifier", "Name", "Scopes")
    creation.clients("cognito-idp").create_resource_server(**server)
    return Created(creation.properties["Identifier"])


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::Cognito::UserPool": ResourceType(_create_user_pool),
    "AWS::Cognito::UserPoolClient": ResourceType(_create_client),
    "AWS::Cognito::UserPoolDomain": ResourceType(
        _create_domain, kept={"ManagedLoginVersion": "moto has no login pages"}
    ),
    "AWS::Cognito::UserPoolResourceServer": ResourceType(_create_resource_server),
}
