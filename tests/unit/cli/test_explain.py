"""Why an answer was what it was: the row of the lake, and the answer once more."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from alsolike import lake, recommendation_id, served
from alsolike.pseudonyms import Pseudonyms
from alsolike.served import Served
from cli import deployment as deployments
from cli.deployment import Deployment
from cli.explaining.replaying import Replay, differences
from cli.main import app
from cli.rebuilding.lake_reader import ARROW_TYPES
from tests.unit.alsolike.served_rows import served as served_row
from tests.unit.cli.shop import NAMES

NOW_MS = time.time_ns() // 1_000_000
NOTHING_KEPT = "nothing that the row keeps: the catalogue"
SCHEMA = pa.schema([(name, pa.list_(pa.float64()) if type_ == "array<double>" else ARROW_TYPES[type_])
                    for name, type_ in served.COLUMNS.items()])  # fmt: skip


class Function:
    """Answers replays with what it is told; the rest is the deployment's own."""

    def __init__(self, where: Deployment) -> None:
        self._client = where.client
        self.events: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {}
        self.refused: dict[str, str] | None = None

    def client(self, service: str) -> Any:
        return self if service == "lambda" else self._client(service)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        assert FunctionName == NAMES.recommend_function
        self.events.append(json.loads(Payload)["replay"])
        if self.refused is not None:
            return {"Payload": io.BytesIO(json.dumps({"refused": self.refused}).encode())}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode())}


@pytest.fixture
def function(deployment: Deployment, pseudonyms: Pseudonyms, monkeypatch: pytest.MonkeyPatch) -> Function:
    function = Function(deployment)
    where = Deployment("shop", NAMES, function.client, lambda scope: "token", is_local=True)
    monkeypatch.setattr(deployments, "resolve", lambda **_: where)
    return function


def store(function: Function, *rows: Served) -> None:
    """Write rows as archive_served does."""
    content = io.BytesIO()
    columns = dict(zip(Served._fields, zip(*rows, strict=True), strict=True))
    pq.write_table(pa.table(columns, schema=SCHEMA), content)
    key = f"{served.partition_prefix(served.served_date(rows[0].served_ms))}{rows[0].recommendation_id}.parquet"
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=key, Body=content.getvalue())


def archive(function: Function, *events: tuple[str, str, int]) -> None:
    """Write events into the lake: who, what, and when it arrived."""
    schema = pa.schema([(name, ARROW_TYPES[type_]) for name, type_ in lake.COLUMNS.items()])
    rows = [
        {"event_id": f"e{number}", "user_id": user, "item_id": item, "event_type": "view",
         "event_time_ms": at_ms, "received_time_ms": at_ms, "schema_version": 2}
        for number, (user, item, at_ms) in enumerate(events)
    ]  # fmt: skip
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), content)
    key = f"{lake.partition_prefix(lake.event_date(events[0][2]))}events.parquet"
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=key, Body=content.getvalue())


def replayed(*item_ids: str, **fields: Any) -> dict[str, Any]:
    reason = {"itemId": "pear", "eventType": "view", "timestamp": 1, "contribution": 2.0}
    return {
        "items": [
            {"itemId": item_id, "score": 1.0, "origin": "ranked", "reason": [json.dumps(reason)]}
            for item_id in item_ids
        ],
        "source": "model",
        "modelVersion": "v1",
        "configuration": 3,
        "rules": None,
        "arms": ["menu/short"],
        "degraded": [],
        **fields,
    }


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["explain", *arguments])


def document(*arguments: str) -> dict[str, Any]:
    found = explain(*arguments, "--json")
    assert found.exit_code == 0, found.exception
    parsed: dict[str, Any] = json.loads(found.stdout)
    return parsed


def test_an_answer_comes_with_what_spoke_for_each_item(function: Function, pseudonyms: Pseudonyms) -> None:
    row = served_row(served_ms=NOW_MS, shopper=pseudonyms.shopper("anna"))
    store(function, served_row(served_ms=NOW_MS), row)
    archive(function, ("anna", "pear", NOW_MS - 1000), ("ben", "kiwi", NOW_MS - 900), ("anna", "nut", NOW_MS + 1))
    function.answer = replayed("fig", "plum")

    found = document(row.recommendation_id, "--user", "anna")

    assert (found["recommender"], found["model_version"], found["arms"]) == ("for-you", "v1", ["menu/short"])
    assert [(item["place"], item["item_id"], item["replayed_place"]) for item in found["items"]] == [
        (1, "fig", 1),
        (2, "plum", 2),
    ]
    assert found["items"][1]["origin"] == "promoted:autumn"
    assert found["items"][1]["propensity"] == 0.25
    assert found["items"][0]["reasons"][0]["itemId"] == "pear"
    assert (found["replay"]["same"], found["replay"]["differences"]) == (True, [])
    (event,) = function.events
    assert (event["nowMs"], event["userId"], event["recommender"], event["numResults"]) == (
        NOW_MS,
        "anna",
        "for-you",
        2,
    )
    # What came after the answer, and what others did, was not in it.
    assert [each["itemId"] for each in event["history"]] == ["pear"]


def test_the_text_says_why(function: Function, pseudonyms: Pseudonyms) -> None:
    row = served_row(served_ms=NOW_MS, shopper=pseudonyms.shopper("anna"), origins=["ranked", "filled"])
    store(function, row)
    function.answer = replayed("fig")

    found = explain(row.recommendation_id, "--user", "anna")

    assert found.exit_code == 0
    assert "view pear (2)" in found.stdout
    assert "popular: the list ended before" in found.stdout
    assert "asked again as of then, the answer is another:" in found.stdout


def test_nobodys_answer_needs_no_user(function: Function) -> None:
    row = served_row(served_ms=NOW_MS, shopper=None, recommender="similar-items", source="similar", page_item="pear")
    store(function, row)
    function.answer = replayed("fig", "plum", source="similar")

    assert document(row.recommendation_id)["replay"]["same"]
    assert function.events[0]["itemId"] == "pear"
    assert explain(row.recommendation_id, "--user", "anna").exit_code == 1


def test_an_object_that_cannot_be_read_hides_no_other(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    row, lost = (served_row(served_ms=NOW_MS, shopper=None) for _ in range(2))
    store(function, row)
    day = served.partition_prefix(served.served_date(NOW_MS))
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=f"{day}0.parquet", Body=b"PAR1")
    function.answer = replayed("fig", "plum")

    assert document(row.recommendation_id)["row"]
    monkeypatch.setattr(time, "time_ns", lambda: (NOW_MS + 3_600_000) * 1_000_000)
    assert "of which 1 objects cannot be read" in str(explain(lost.recommendation_id).exception)


BODY = {
    "userId": "anna",
    "numResults": 2,
    "recommenderArn": "arn:aws:personalize:us-east-1:1:recommender/for-you",
    "filterArn": "arn:aws:personalize:us-east-1:1:filter/sweet",
    "filterValues": {"TAG": '"ripe"'},
    "context": {"DEVICE": "phone"},
    "exclude": ["kiwi"],
}


def asked(tmp_path: Path, **fields: Any) -> str:
    path = tmp_path / "request.json"
    path.write_text(json.dumps({**BODY, **fields}))
    return str(path)


def test_what_is_not_kept_is_asked_with_again_where_the_request_is_given(
    function: Function, pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    row = served_row(served_ms=NOW_MS, shopper=pseudonyms.shopper("anna"), filter="sweet")
    store(function, row)
    function.answer = replayed("fig")

    found = document(row.recommendation_id, "--request", asked(tmp_path))

    (event,) = function.events
    said = {name: event[name] for name in ("filterValues", "context", "exclude")}
    assert said == {"filterValues": {"TAG": '"ripe"'}, "context": {"DEVICE": "phone"}, "exclude": ["kiwi"]}
    assert event["userId"] == "anna"
    assert not any("are not kept" in each for each in found["replay"]["differences"] if "filter" in each)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"numResults": 3}, "the request has items 3, the answer was to one with 2"),
        ({"itemId": "fig"}, "the request has itemId 'fig', the answer was to one with None"),
        (
            {"filterArn": "arn:aws:personalize:us-east-1:1:filter/sour"},
            "the request has filterArn 'sour', the answer was to one with 'sweet'",
        ),
        ({"colour": "red"}, "colour is not a known field"),
    ],
)
def test_a_request_that_was_answered_otherwise_is_refused(
    function: Function, pseudonyms: Pseudonyms, tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    row = served_row(served_ms=NOW_MS, shopper=pseudonyms.shopper("anna"), filter="sweet")
    store(function, row)

    found = explain(row.recommendation_id, "--request", asked(tmp_path, **fields))

    assert found.exit_code == 1
    assert message in str(found.exception)
    assert function.events == []


def test_without_its_user_an_answer_is_shown_and_not_asked_again(function: Function) -> None:
    row = served_row(served_ms=NOW_MS)
    store(function, row)

    found = document(row.recommendation_id)

    assert found["replay"] is None
    assert "--user" in found["not_replayed"]
    assert [item["item_id"] for item in found["items"]] == ["fig", "plum"]
    assert function.events == []


def test_another_user_is_told_from_the_one_who_was_answered(function: Function, pseudonyms: Pseudonyms) -> None:
    row = served_row(served_ms=NOW_MS, shopper=pseudonyms.shopper("anna"))
    store(function, row)

    found = explain(row.recommendation_id, "--user", "ben")

    assert found.exit_code == 1
    assert "--user is 'ben', but the answer was for somebody else" in str(found.exception)
    assert function.events == []


def test_a_session_is_known_by_its_id(function: Function, pseudonyms: Pseudonyms) -> None:
    row = served_row(served_ms=NOW_MS, shopper=None, session=pseudonyms.shopper("visit"))
    store(function, row)
    function.answer = replayed("fig", "plum")

    assert document(row.recommendation_id, "--user", "visit")["replay"]["same"]


def test_a_row_that_is_not_there_is_said_with_what_the_id_says(function: Function) -> None:
    function.client("s3").put_object(Bucket=NAMES.artefact_bucket, Key="models/v7/manifest.json", Body=b"{}")
    late = recommendation_id.create(answered_ms=time.time_ns() // 1_000_000, recommender="popular", version="v7")
    old = recommendation_id.create(answered_ms=NOW_MS - 86_400_000, recommender="popular", version="v8")

    soon, gone = explain(late), explain(old)

    assert (soon.exit_code, gone.exit_code) == (1, 1)
    assert "model          v7" in soon.stdout
    assert "yet" in str(soon.exception)
    assert f"model          unknown ({recommendation_id.version_tag('v8')})" in gone.stdout
    assert "rows expire" in str(gone.exception)


@pytest.mark.parametrize("cut", ["", "x", "A" * 40])
def test_a_forged_or_truncated_id_is_refused(function: Function, cut: str) -> None:
    good = recommendation_id.create(answered_ms=NOW_MS, recommender="popular", version="v7")
    changed = ("B" if good[0] != "B" else "C") + good[1:]

    for forged in (cut, good[:-1], good[:39] + "!", changed):
        found = explain(forged)
        assert found.exit_code == 1
        assert "was not made by this service" in str(found.exception)


def test_an_id_of_the_future_is_refused(function: Function) -> None:
    ahead = recommendation_id.create(answered_ms=NOW_MS + 3_600_000, recommender="popular", version="v7")

    assert "will be answered" in str(explain(ahead).exception)


def test_what_cannot_be_asked_again_says_why(function: Function) -> None:
    row = served_row(served_ms=NOW_MS, shopper=None, filter="sweet")
    store(function, row)
    function.refused = {"type": "NotFound", "message": "filterArn ends in /sweet"}

    assert document(row.recommendation_id)["not_replayed"] == "filterArn ends in /sweet"


def test_only_the_answers_own_day_is_read(function: Function) -> None:
    """Another day's objects are not even opened: this one could not be."""
    row = served_row(served_ms=NOW_MS, shopper=None)
    store(function, row)
    other = served.partition_prefix(served.served_date(NOW_MS - 86_400_000))
    function.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=f"{other}x.parquet", Body=b"no parquet")
    function.answer = replayed("fig", "plum")

    assert document(row.recommendation_id)["replay"]["same"]


@pytest.mark.parametrize(
    ("row", "again", "said"),
    [
        ({}, {"model_version": "v2"}, "the model version is v2 now, it was v1"),
        ({}, {"configuration": 4}, "the configuration is 4 now, it was 3"),
        ({"rules": "spring"}, {}, "the rule set is none now, it was spring"),
        ({}, {"arms": ()}, "the arm is none now, it was menu/short"),
        ({"degraded": ["profile-unavailable"]}, {}, "what is lacking is nothing now, it was profile-unavailable"),
        ({"propensities": [None, 0.5]}, {}, "chance chose for place 2"),
        ({}, {}, "promotions that the request itself asked for are not kept"),
        ({"origins": ["ranked", "ranked"], "propensities": [None, None]}, {}, NOTHING_KEPT),
        ({"filter": "cheap"}, {}, "the values with which filter cheap was asked are not kept"),
        (
            {"source": "trending"},
            {"source": "trending"},
            "what trends is counted as it is now, of the window of an hour",
        ),
    ],
)
def test_what_differs_is_named(row: dict[str, Any], again: dict[str, Any], said: str) -> None:
    same = Replay(("fig", "plum"), {}, "model", "v1", 3, None, ("menu/short",), ())
    other = Replay(**{**{name: getattr(same, name) for name in same.__slots__}, "item_ids": ("plum",), **again})

    assert differences(served_row(**row), same) == []
    assert said in " / ".join(differences(served_row(**row), other))
