"""AWS in memory for all unit tests."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes.cloud import ON_MOTO
from tests.fakes.fixtures import aws, boto3_session, clients, cloud, functions_session, memory_cloud
from tests.fakes.places import BUCKET, create_bucket

__all__ = ["aws", "boto3_session", "clients", "cloud", "functions_session", "memory_cloud"]

# No deadline and no check for slow draws, because durations depend on the load of the machine. CI sets SAME_EXAMPLES,
# so that each run of a commit draws the same examples.
settings.register_profile(
    "alsolike",
    deadline=None,
    derandomize="SAME_EXAMPLES" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("alsolike")


def pytest_collection_modifyitems(items):
    """Skip tests that moto fails, if moto responds for S3 and DynamoDB."""
    for item in items if ON_MOTO else ():
        if differs := item.get_closest_marker("moto_differs"):
            item.add_marker(pytest.mark.skip(reason=f"moto {differs.args[0]}"))


@pytest.fixture
def s3(aws):
    create_bucket(aws("s3"), BUCKET)
    return aws("s3")
