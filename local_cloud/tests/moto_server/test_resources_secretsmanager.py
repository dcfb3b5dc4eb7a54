import pytest

from local_cloud.deployer import DeploymentError

SECRET = "AWS::SecretsManager::Secret"


def value_of(cloud, arn):
    return cloud.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]


def test_generated_secret_follows_its_rules(cloud):
    secret = cloud.create(
        SECRET, Description="hashes", GenerateSecretString={"PasswordLength": 64, "ExcludePunctuation": True}
    )

    value = value_of(cloud, secret.physical_id)
    assert len(value) == 64
    assert value.isalnum()
    assert secret.attributes["Id"] == secret.physical_id


def test_secret_of_a_template_is_stored(cloud):
    secret = cloud.create(SECRET, Name="key", SecretString="in the open")

    assert value_of(cloud, secret.physical_id) == "in the open"


def test_secret_is_found_by_an_arn_that_ends_with_its_name(cloud):
    cloud.client("secretsmanager").create_secret(Name="kafka-client-a1b2c3", SecretString="in the open")

    assert value_of(cloud, "arn:aws:secretsmanager:us-east-1:123456789012:secret:kafka-client-a1b2c3") == "in the open"


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({}, "SecretString"),
        ({"GenerateSecretString": {"SecretStringTemplate": "{}"}}, "SecretStringTemplate"),
        ({"GenerateSecretString": {"Length": 3}}, r"GenerateSecretString\.Length"),
    ],
)
def test_unsupported_secret_is_refused(cloud, properties, problem):
    with pytest.raises(DeploymentError, match=problem):
        cloud.create(SECRET, **properties)
