import pytest

from tests.fakes.places import create_bucket


@pytest.fixture
def s3(aws, artefact_bucket, set_variables):
    aws("secretsmanager").create_secret(Name="key-of-people", SecretString="k" * 32)
    set_variables(ARTEFACT_BUCKET=artefact_bucket, SECRET_ARN="key-of-people")
    create_bucket(aws("s3"), "uploads")
    return aws("s3")
