from collections.abc import Callable
from typing import Any

import pytest

from tests.builders.attribution import Answer, Lake, answer, event


@pytest.fixture
def shop(aws: Callable[[str], Any], lake_bucket: str) -> Lake:
    return Lake(aws("s3"), lake_bucket)


@pytest.fixture
def given() -> Answer:
    return answer(["pear", "plum"])


@pytest.fixture
def judged(shop: Lake, given: Answer) -> Callable[..., dict[str, int]]:
    """Return a function that counts rejected events by reason. Next to them, only one valid click is attributed."""

    def judge(*events: dict[str, Any], answers: tuple[Answer, ...] = (), clicks: int = 1) -> dict[str, int]:
        shop.write_served([given, *answers])
        shop.write_events([event(given, "plum"), *events])
        shop.attribute()
        row = shop.outcomes()[given["recommendation_id"]]
        assert (row["clicks"], row["carts"], row["purchases"], row["revenue"]) == (clicks, 0, 0, 0.0)
        return shop.rejected()

    return judge
