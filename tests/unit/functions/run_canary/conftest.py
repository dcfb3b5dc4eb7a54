import pytest

from tests.builders.world import GROUP
from tests.unit.functions.run_canary.trial import ATTRIBUTE, Trial


@pytest.fixture
def trial(aws, artefact_bucket, lake_bucket, set_variables, monkeypatch):
    set_variables(
        MODEL_PACKAGE_GROUP=GROUP,
        ATTRIBUTE_OUTCOMES_FUNCTION=ATTRIBUTE,
        CANARY_SHARE_PERCENT="20",
        CANARY_DURATION_S="3600",
    )
    return Trial(aws, artefact_bucket, lake=lake_bucket, monkeypatch=monkeypatch)
