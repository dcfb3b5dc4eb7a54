import json
from typing import Any

from moto_cloud import ACCOUNT, REGION, MotoCloud

TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
MAY_READ: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/*"}],
}


def test_role_has_its_policies(cloud: MotoCloud) -> None:
    managed_policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": TRUST,
            "Description": "reads",
            "Policies": [{"PolicyName": "inline", "PolicyDocument": MAY_READ}],
            "ManagedPolicyArns": [managed_policy, {"Ref": "Managed"}],
        },
    }
    policy = {
        "Type": "AWS::IAM::Policy",
        "Properties": {"PolicyName": "default", "PolicyDocument": MAY_READ, "Roles": [{"Ref": "Role"}]},
    }
    managed = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": MAY_READ, "Description": "", "Path": "/"},
    }

    deployment = cloud.deploy_template({"Resources": {"Role": role, "Policy": policy, "Managed": managed}})

    iam = cloud.client("iam")
    (created,) = deployment.of_type("AWS::IAM::Role")
    name = created.physical_id
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == TRUST
    assert set(iam.list_role_policies(RoleName=name)["PolicyNames"]) == {"inline", "default"}
    assert iam.get_role_policy(RoleName=name, PolicyName="default")["PolicyDocument"] == MAY_READ
    (attached,) = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached["PolicyArn"] == deployment.of_type("AWS::IAM::ManagedPolicy")[0].physical_id
    assert created.properties["ManagedPolicyArns"][0] == managed_policy
    assert created.attributes["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/{name}"


def test_key_is_rotated_and_has_its_alias(cloud: MotoCloud) -> None:
    key = {
        "Type": "AWS::KMS::Key",
        "Properties": {"KeyPolicy": MAY_READ, "EnableKeyRotation": True, "Description": "lake"},
    }
    alias = {
        "Type": "AWS::KMS::Alias",
        "Properties": {"AliasName": "alias/lake", "TargetKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
    }

    deployment = cloud.deploy_template({"Resources": {"Key": key, "Alias": alias}})

    kms = cloud.client("kms")
    created, _ = deployment.resources
    described = kms.describe_key(KeyId="alias/lake")["KeyMetadata"]
    assert (described["Arn"], described["Description"]) == (created.attributes["Arn"], "lake")
    assert kms.get_key_rotation_status(KeyId=created.physical_id)["KeyRotationEnabled"] is True
    policy = kms.get_key_policy(KeyId=created.physical_id, PolicyName="default")["Policy"]
    assert json.loads(policy) == MAY_READ


def test_user_pool_has_its_settings(cloud: MotoCloud) -> None:
    pool = cloud.create(
        "AWS::Cognito::UserPool",
        UserPoolName="shop",
        Policies={"PasswordPolicy": {"MinimumLength": 12, "RequireSymbols": True}},
        MfaConfiguration="ON",
        EnabledMfas=["SOFTWARE_TOKEN_MFA"],
        UserPoolTier="PLUS",
        UserPoolAddOns={"AdvancedSecurityMode": "ENFORCED"},
        DeletionProtection="ACTIVE",
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
        AccountRecoverySetting={"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]},
    )

    cognito = cloud.client("cognito-idp")
    stored = cognito.describe_user_pool(UserPoolId=pool.physical_id)["UserPool"]
    assert stored["Name"] == "shop"
    assert stored["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert stored["MfaConfiguration"] == "ON"
    assert stored["DeletionProtection"] == "ACTIVE"
    mfa = cognito.get_user_pool_mfa_config(UserPoolId=pool.physical_id)
    assert mfa["SoftwareTokenMfaConfiguration"] == {"Enabled": True}
    issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{pool.physical_id}"
    assert pool.attributes["ProviderURL"] == issuer


def test_user_pool_has_its_client_domain_and_scopes(cloud: MotoCloud) -> None:
    pool: dict[str, Any] = {"UserPoolId": {"Ref": "Pool"}}
    resources = {
        "Pool": {"Type": "AWS::Cognito::UserPool"},
        "Server": {
            "Type": "AWS::Cognito::UserPoolResourceServer",
            "Properties": {
                **pool,
                "Identifier": "shop",
                "Name": "shop",
                "Scopes": [{"ScopeName": "events.write", "ScopeDescription": "Send events"}],
            },
        },
        "Client": {
            "Type": "AWS::Cognito::UserPoolClient",
            "Properties": {
                **pool,
                "GenerateSecret": True,
                "AllowedOAuthFlows": ["client_credentials"],
                "AllowedOAuthFlowsUserPoolClient": True,
                "AllowedOAuthScopes": [{"Fn::Join": ["", [{"Ref": "Server"}, "/events.write"]]}],
                "AccessTokenValidity": 60,
                "TokenValidityUnits": {"AccessToken": "minutes"},
                "PreventUserExistenceErrors": "ENABLED",
            },
        },
        "Domain": {
            "Type": "AWS::Cognito::UserPoolDomain",
            "Properties": {**pool, "Domain": "shop-tokens"},
        },
    }

    deployment = cloud.deploy_template({"Resources": resources})

    cognito = cloud.client("cognito-idp")
    created = {resource.logical_id: resource for resource in deployment.resources}
    pool_id = created["Pool"].physical_id
    stored = cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=created["Client"].physical_id)[
        "UserPoolClient"
    ]
    assert stored["AllowedOAuthScopes"] == ["shop/events.write"]
    assert stored["AllowedOAuthFlows"] == ["client_credentials"]
    assert stored["ClientSecret"] == created["Client"].attributes["ClientSecret"]
    (scope,) = cognito.describe_resource_server(UserPoolId=pool_id, Identifier="shop")["ResourceServer"]["Scopes"]
    assert scope["ScopeName"] == "events.write"
    domain = cognito.describe_user_pool_domain(Domain="shop-tokens")["DomainDescription"]
    assert domain["UserPoolId"] == pool_id
