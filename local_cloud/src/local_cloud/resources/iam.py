"""IAM roles and policies."""

import json

from local_cloud.resources.resource_type import Created, Creation, creates

# moto loads AWS's policies only with a setting that costs seconds at each start.
_AWS_PREFIX = "arn:aws:iam::aws:policy/"


@creates(
    "AWS::IAM::Role", kept={"ManagedPolicyArns": "moto does not have the policies of AWS, so they are not attached"}
)
def _create_role(creation: Creation) -> Created:
    properties, iam = creation.properties, creation.clients("iam")
    name = creation.name("RoleName", limit=64)
    trust = json.dumps(properties["AssumeRolePolicyDocument"])
    role = creation.call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    for policy in properties.sections("Policies"):
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    for arn in properties.get("ManagedPolicyArns", []):
        if not arn.startswith(_AWS_PREFIX):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    return Created(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


@creates("AWS::IAM::Policy")
def _create_policy(creation: Creation) -> Created:
    properties, iam = creation.properties, creation.clients("iam")
    name, document = properties["PolicyName"], json.dumps(properties["PolicyDocument"])
    for role in properties.get("Roles", []):
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
    return Created(name)


@creates("AWS::IAM::ManagedPolicy")
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
