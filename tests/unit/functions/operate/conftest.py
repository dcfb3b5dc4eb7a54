import time

import pytest

from alsolike.registry.decision import Check
from functions.operate import handler
from tests.builders.lambda_events import NOW_MS
from tests.builders.world import GROUP
from tests.unit.functions.invocations import Invocations
from tests.unit.functions.operate.shop import ATTRIBUTE, MACHINE, MONITOR, RECOMMEND, SESSION_KEY, Operator


@pytest.fixture
def empty(aws, artefact_bucket, lake_bucket, set_variables, monkeypatch):
    set_variables(
        MODEL_PACKAGE_GROUP=GROUP,
        STATE_MACHINE_ARN=MACHINE,
        RECOMMEND_FUNCTION=RECOMMEND,
        ATTRIBUTE_OUTCOMES_FUNCTION=ATTRIBUTE,
        MONITOR_MODELS_FUNCTION=MONITOR,
        CANARY_SHARE_PERCENT="10",
        SESSION_KEY_ARN=SESSION_KEY,
    )
    monkeypatch.setattr(time, "time_ns", lambda: NOW_MS * 1_000_000)
    aws("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    return Operator(aws, artefact_bucket)


@pytest.fixture
def operator(empty):
    """Return an operator with v1, the champion v2, v3, which the gate rejected, and v4, which passed the gate."""
    empty.publish("v1")
    empty.publish("v2")
    empty.publish("v3", check=Check("ndcg", passed=False, figures="0.25, the champion has 0.30"))
    empty.publish("v4")
    for version in ("v1", "v2"):
        empty.registry.promote(version, reason=f"run {version}", now_ms=1)
    return empty


@pytest.fixture
def invocations(empty, replace_clients):
    invocations = Invocations()
    replace_clients(handler, **{"lambda": invocations})
    return invocations
