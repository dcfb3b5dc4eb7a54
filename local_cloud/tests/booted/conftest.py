import pytest

from foreign_cloud import ForeignCloud
from local_cloud.client import Cloud
from synthesis import synthesize


@pytest.fixture(scope="session")
def assembly(tmp_path_factory):
    directory = tmp_path_factory.mktemp("foreign")
    return synthesize("foreign_app.app", directory / "cdk.out", directory / "layer")


@pytest.fixture(scope="session")
def cloud(assembly):
    """Yield the shared cloud, and then check that IAM would refuse only requests of the powerless role."""
    with Cloud.start(assembly) as running:
        yield ForeignCloud(running)
        powerless = running.output("PowerlessRole").rpartition("/")[2]
        refused = [message for message in running.permissions()["refused"] if powerless not in message]
        assert refused == [], f"requests that IAM would refuse: {refused}"
