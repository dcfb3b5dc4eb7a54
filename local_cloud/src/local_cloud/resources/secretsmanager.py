"""Secrets Manager's secrets."""

from local_cloud.resources.properties import Properties, PropertyError
from local_cloud.resources.resource_type import Created, Creation, creates

_LENGTH = 32
"""Default length of generated secrets in CloudFormation."""


@creates("AWS::SecretsManager::Secret")
def _create_secret(creation: Creation) -> Created:
    properties = creation.properties
    properties.keep("ReplicaRegions")
    if ("SecretString" in properties) == ("GenerateSecretString" in properties):
        raise PropertyError("SecretString", "is required where GenerateSecretString is not, and excluded where it is")
    value = properties.get("SecretString")
    if value is None:
        value = _generated(creation, properties.section("GenerateSecretString"))
    secret = creation.call(
        "secretsmanager",
        "create_secret",
        Name=creation.name("Name", limit=512),
        SecretString=value,
        ClientRequestToken=creation.token(),
    )
    return Created(secret["ARN"], {"Id": secret["ARN"]})


def _generated(creation: Creation, rules: Properties) -> str:
    if "SecretStringTemplate" in rules or "GenerateStringKey" in rules:
        raise PropertyError(rules.path_of("SecretStringTemplate"), "cannot be honoured: only whole secrets are made")
    options = rules.take(
        "ExcludeCharacters",
        "ExcludeLowercase",
        "ExcludeNumbers",
        "ExcludePunctuation",
        "ExcludeUppercase",
        "IncludeSpace",
        "RequireEachIncludedType",
    )
    answer = creation.clients("secretsmanager").get_random_password(
        PasswordLength=rules.get("PasswordLength", _LENGTH), **options
    )
    return str(answer["RandomPassword"])
