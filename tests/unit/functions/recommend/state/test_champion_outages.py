"""Champion whose pointer or files are temporarily unavailable."""

import errno
import io

import pytest
from botocore.exceptions import EndpointConnectionError, ResponseStreamingError
from botocore.response import StreamingBody

from alsolike.declarations.degraded_reasons import NO_MODEL, STALE_MODEL
from functions.recommend.state.bundles import ANSWER_TIME_MS
from tests.unit.functions.recommend.deployment import CHECK_S, RETRY_S


@pytest.fixture
def replaced(serving_v1):
    """Return a deployment that still serves v1 after the promotion of v2."""
    serving_v1.publish("v2")
    return serving_v1


def test_unavailable_store_keeps_the_model_and_is_retried(replaced, monkeypatch):
    with monkeypatch.context() as outage:
        outage.setattr(replaced.loader._registry._client, "get_object", unreachable)
        assert replaced.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
        assert replaced.breaker.is_open(now_ms=replaced.now_ms)

    assert replaced.serving(after_s=CHECK_S) == ("v2", None)
    assert not replaced.breaker.is_open(now_ms=replaced.now_ms)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        ResponseStreamingError(error=ConnectionResetError()),
        EndpointConnectionError(endpoint_url="https://s3"),
    ],
)
def test_failed_download_is_tried_once_per_check_and_keeps_the_model(error, replaced, monkeypatch):
    downloads: list[str] = []
    get_object = replaced.s3.get_object

    def fail(*, Key, **call):  # noqa: N803
        if Key.startswith("registry/"):
            return get_object(Key=Key, **call)
        downloads.append(Key)
        raise error

    with monkeypatch.context() as outage:
        outage.setattr(replaced.s3, "get_object", fail)
        assert replaced.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
        assert replaced.serving(after_s=CHECK_S - 1) == ("v1", STALE_MODEL)

    assert len(downloads) == 1
    assert replaced.cached() == ["v1"]
    assert replaced.serving(after_s=1) == ("v2", None)


def test_interrupted_download_keeps_the_model_and_leaves_no_files(replaced, monkeypatch, logged):
    get_object = replaced.s3.get_object

    def break_off(*, Key, **call):  # noqa: N803
        answer = get_object(Key=Key, **call)
        return answer if Key.startswith("registry/") else {**answer, "Body": StreamingBody(io.BytesIO(b"0123"), 100)}

    monkeypatch.setattr(replaced.s3, "get_object", break_off)

    assert replaced.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
    assert "models/v2/manifest.json: 4 read, but total bytes expected is 100" in logged()
    assert replaced.cached() == ["v1"]


def test_unexpected_error_keeps_the_model(replaced, monkeypatch):
    with monkeypatch.context() as bug:
        bug.setattr(replaced.loader._registry._client, "get_object", lambda **_: {})
        assert replaced.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)

    assert replaced.serving(after_s=CHECK_S) == ("v2", None)


def test_download_stops_at_the_time_limit_and_leaves_no_files(replaced):
    replaced.times_ms = [ANSWER_TIME_MS] * 3 + [ANSWER_TIME_MS - 1]

    assert replaced.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
    assert not replaced.breaker.is_open(now_ms=replaced.now_ms)  # S3 is slow, but it responds.
    assert replaced.times_ms == []
    assert replaced.cached() == ["v1"]
    assert replaced.serving(after_s=CHECK_S) == ("v2", None)


def test_files_of_a_killed_process_are_deleted_for_the_next_model(deployment):
    for folder in (".unfinished-x", "v0"):
        (deployment.cache / folder).mkdir(parents=True)
        (deployment.cache / folder / "graph.data").write_bytes(b"half")
    deployment.publish("v1")

    assert deployment.serving() == ("v1", None)

    assert deployment.cached() == ["v1"]


def test_files_of_a_killed_download_are_deleted_before_the_next_download(deployment, monkeypatch):
    (deployment.cache / ".unfinished-x").mkdir(parents=True)
    deployment.publish("v1")
    get_object, seen = deployment.s3.get_object, set()

    def look(*, Key, **call):  # noqa: N803
        if Key.startswith("models/"):
            seen.update(deployment.cached())
        return get_object(Key=Key, **call)

    monkeypatch.setattr(deployment.s3, "get_object", look)
    deployment.serving()

    assert len(seen) == 1
    assert ".unfinished-x" not in seen


def test_unavailable_earlier_champion_is_retried(deployment, monkeypatch):
    deployment.publish("v1")
    deployment.publish("v2", damage="graph.data")
    get_object = deployment.s3.get_object

    def only_v2(*, Key, **call):  # noqa: N803
        if Key.startswith("models/v1/"):
            unreachable()
        return get_object(Key=Key, **call)

    with monkeypatch.context() as outage:
        outage.setattr(deployment.s3, "get_object", only_v2)
        assert deployment.serving() == (None, NO_MODEL)

    assert deployment.serving(after_s=RETRY_S) == ("v1", STALE_MODEL)


def unreachable(**_):
    raise EndpointConnectionError(endpoint_url="https://s3")
