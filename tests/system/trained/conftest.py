"""The shop that all tests of this folder share: each uses users and items of its own, or changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.booted.assemblies import synthesized
from tests.booted.uploads import IMPORT_BUCKET
from tests.builders.sentence_model import write_model
from tests.system.trained.opened_shop import CONFIGURATION, OpenedShop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenedShop]:
    """Yield a shop with a champion, whose sentence model finds couches similar to sofas."""
    directory = tmp_path_factory.mktemp("shop")
    # A slow machine must not degrade answers: the time budget has unit tests.
    model = str(write_model(directory / "model"))
    assembly = synthesized(
        sentence_model=model, time_budget_ms=0, import_buckets=[IMPORT_BUCKET], batch_buckets=[IMPORT_BUCKET]
    )
    with OpenedShop.booted(assembly, directory, tls=True) as opened:
        opened.open(directory)
        yield opened


@pytest.fixture(scope="module", autouse=True)
def configuration_of_the_opening(shop: OpenedShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Apply the configuration of the opening after a module that has changed it."""
    before = _version(shop)
    yield
    if _version(shop) != before:
        shop.configure(CONFIGURATION, tmp_path_factory.mktemp("configuration"))


@pytest.fixture
def personalize(shop: OpenedShop) -> Iterator[Callable[[str], Any]]:
    """Yield a function that returns a client of Amazon Personalize, with a key that is deleted in the end."""
    access = [option for name in ("read", "write", "admin") for option in ("--access", name)]
    variables: dict[str, str] = shop.alsolike("keys", "create", "scenario", *access)["environment"]

    def client(service: str) -> Any:
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


def _version(shop: OpenedShop) -> str:
    return str(shop.alsolike("config", "history", "--limit", "1")[0]["version"])
