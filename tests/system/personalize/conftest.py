"""Shop for programs written for Amazon Personalize, which import their own data and train their own models."""

import boto3
import pytest
from botocore.config import Config

from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import Shop
from tests.booted.uploads import IMPORT_BUCKET


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    assembly = synthesized(**QUICK, import_buckets=[IMPORT_BUCKET], batch_buckets=[IMPORT_BUCKET])
    with Shop.booted(assembly, tmp_path_factory.mktemp("shop"), tls=True) as booted:
        yield booted


@pytest.fixture
def personalize(shop):
    access = [option for name in ("read", "write", "admin") for option in ("--access", name)]
    variables: dict[str, str] = shop.alsolike("keys", "create", "scenario", *access)["environment"]

    def client(service):
        return boto3.client(
            service,
            region_name=variables["AWS_REGION"],
            endpoint_url=variables["AWS_ENDPOINT_URL_PERSONALIZE"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            verify=variables.get("AWS_CA_BUNDLE"),
            config=Config(retries={"total_max_attempts": 1}),
        )

    yield client
    shop.run_alsolike("keys", "delete", variables["AWS_ACCESS_KEY_ID"])
