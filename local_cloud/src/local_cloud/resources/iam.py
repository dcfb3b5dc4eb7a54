"""IAM roles and policies."""

import json
from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType

# moto loads AWS's policies only with a setting that costs seconds at each start.
_AWS_PREFIX = "arn:aws:iam::aws:policy/"


def _create_role(creation: Creation) -> Created:
    properties, iam = creation.properties, creation.clients("iam")
    name = creation.name("RoleName", limit=64)
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
        Tags=creation.tag_list(),
        **properties.take("Description", "Path", "MaxSessionDuration", "PermissionsBoundary"),
    )["Role"]
    for policy in properties.sections("Policies"):
        iam.put_role_policy(
            RoleName=name,
            PolicyName=policy["PolicyName"],
            PolicyDocument=json.dumps(policy["PolicyDocument"]),
        )
    for arn in properties.get("ManagedPolicyArns", []):
        if not arn.startswith(_AWS_PREFIX):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    return Created(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _create_policy(creation: Creation) -> Created:
    properties, iam = creation.properties, creation.clients("iam")
    name, document = properties["PolicyName"], json.dumps(properties["PolicyDocument"])
    for role in properties.get("Roles", []):
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
    return Created(name)


def _create_managed_policy(creation: Creation) -> Created:
    properties, iam = creation.properties, creation.clients("iam")
    arn = iam.create_policy(
        PolicyName=creation.name("ManagedPolicyName", limit=128),
        PolicyDocument=json.dumps(properties["PolicyDocument"]),
        **{name: value for name, value in properties.take("Description", "Path").items() if value != ""},
    )["Policy"]["Arn"]
    for role in properties.get("Roles", []):
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    return Created(arn, {"PolicyArn": arn})


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::IAM::Role": ResourceType(
        _create_role, kept={"ManagedPolicyArns": "moto does not have the policies of AWS, so they are not attached"}
    ),
    "AWS::IAM::Policy": ResourceType(_create_policy),
    "AWS::IAM::ManagedPolicy": ResourceType(_create_managed_policy),
}
