import tempfile

import pytest

from tests.unit.functions.recommend.deployment import Deployment
from tests.unit.functions.recommend.shop import Shop

RELATED = {"similar": {"pear": {"kiwi": 0.75, "fig": 0.5}}, "together": {"pear": {"plum": 0.5}}}


@pytest.fixture
def deployment(aws, artefact_bucket, tmp_path):
    return Deployment(aws, artefact_bucket, tmp_path)


@pytest.fixture
def serving_v1(deployment):
    deployment.publish("v1")
    deployment.serving()
    return deployment


@pytest.fixture
def shop(aws, artefact_bucket, profiles_table, users_table, pseudonyms, tmp_path, monkeypatch):
    for check in ("CONFIGURATION_CHECK_S", "SNAPSHOT_CHECK_S", "TRENDS_CHECK_S", "TIME_BUDGET_MS"):
        monkeypatch.setenv(check, "0")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return Shop(aws, artefact_bucket, tables=(profiles_table, users_table), directory=tmp_path)


@pytest.fixture
def stocked(shop):
    shop.publish(related=RELATED)
    return shop
