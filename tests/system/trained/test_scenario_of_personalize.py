"""A program for Amazon Personalize, from the dataset group to its deletion, with an unchanged boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.config import Config

from tests.booted import personalize_scenario
from tests.booted.uploads import IMPORT_BUCKET, upload_interactions
from tests.system.trained.opened_shop import OpenedShop


@pytest.fixture
def variables(shop: OpenedShop) -> Iterator[dict[str, str]]:
    access = [option for name in ("read", "write", "admin") for option in ("--access", name)]
    environment: dict[str, str] = shop.alsolike("keys", "create", "scenario", *access)["environment"]
    yield environment
    shop.run_alsolike("keys", "delete", environment["AWS_ACCESS_KEY_ID"])


def test_a_program_provisions_trains_recommends_and_cleans_up(shop: OpenedShop, variables: dict[str, str]) -> None:
    s3 = shop.cloud.client("s3")
    location = upload_interactions(s3)
    s3.put_object(Bucket=IMPORT_BUCKET, Key="users.json", Body=b'{"userId": "p-1"}\n{"userId": "nobody"}\n')
    # The gate compares no model of this program's data with the champion of the folder's other tests.
    shop.run_alsolike("models", "repair", "--without-champion", "--reason", "another shop")
    batch = f"s3://{IMPORT_BUCKET}/users.json", f"s3://{IMPORT_BUCKET}/out/"

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

    found = personalize_scenario.run(client, location=location, user="p-0", batch=batch)

    assert len(found["items"]) == 25
    # The user's imported interactions are of aisle 0; any place may explore an item of another.
    aisles = np.array([int(item.removeprefix("item-")[0]) for item in found["items"]])
    assert np.argmin([np.flatnonzero(aisles == aisle).mean() for aisle in range(3)]) == 0
    assert found["later"]
    assert found["items"][0] not in found["without"]
    assert len(found["recommended"]) == 10
    lines = s3.get_object(Bucket=IMPORT_BUCKET, Key="out/users.json.out")["Body"].read().splitlines()
    answers = [json.loads(line) for line in lines]
    assert [answer["input"]["userId"] for answer in answers] == ["p-1", "nobody"]
    assert [len(answer["output"]["recommendedItems"]) for answer in answers] == [25, 25]
    assert 0 < found["metrics"]["normalized_discounted_cumulative_gain_at_10"] <= 1
