import pytest

from tests.unit.functions.monitor_models.shop import MonitoredShop, places


@pytest.fixture
def shop(aws, cloud, lake_bucket, artefact_bucket, profiles_table, tmp_path):
    made = places(aws, lake_bucket=lake_bucket, artefact_bucket=artefact_bucket, path=tmp_path)
    return MonitoredShop(aws, cloud, made)
