import pytest

from tests.builders.attribution import Lake, answer, event


@pytest.fixture
def shop(aws, lake_bucket):
    return Lake(aws("s3"), lake_bucket)


@pytest.fixture
def given():
    return answer(["pear", "plum"])


@pytest.fixture
def judged(shop, given):
    """Return a function that attributes a valid click and other events, and returns the rejections by reason.

    The function checks that the response has `clicks` clicks and no other outcome.
    """

    def judge(*events, answers=(), clicks=1):
        shop.write_served([given, *answers])
        shop.write_events([event(given, "plum"), *events])
        shop.attribute()
        row = shop.outcomes()[given["recommendation_id"]]
        assert (row["clicks"], row["carts"], row["purchases"], row["revenue"]) == (clicks, 0, 0, 0.0)
        return shop.rejected()

    return judge
