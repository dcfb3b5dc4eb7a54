import pytest

from tests.fakes.places import create_bucket


@pytest.fixture
def s3(aws, artefact_bucket, pseudonyms):
    create_bucket(aws("s3"), "uploads")
    return aws("s3")
