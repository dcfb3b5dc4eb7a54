"""Erasures and exports of users: API calls, receipts, and output as JSON and as text."""

import dataclasses
import json
import time

import pytest

from alsolike.catalogue.users import User, UserStore
from alsolike.privacy.erasures import ErasureReceipt, ErasureReceiptStore, Expiring, Purged, TrainedModel
from alsolike.runtime.errors import NotFound, Unavailable
from tests.unit.cli.command_line import cells, run, run_json
from tests.unit.cli.shop import KEY

MACHINE = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
ROLE = "arn:aws:iam::123456789012:role/workflow"
ASKED_MS = 1_795_603_286_000  # 2026-11-25 10:41:26 UTC


@pytest.fixture(autouse=True)
def shop(api_shop, client):
    """Return the deployment that commands use. Executions of its workflow do not end."""
    client("stepfunctions").create_state_machine(name="erasure", definition=json.dumps(MACHINE), roleArn=ROLE)
    return api_shop


def receipt(user_hash, **fields):
    return ErasureReceipt(user_hash[:32], user_hash, **{"requested_at_ms": ASKED_MS, "runs": 1, **fields})


COMPLETE = receipt(
    "a" * 64,
    completed_at_ms=ASKED_MS + 120_000,
    purged=(Purged("lake", "rewritten without", 14, 15, ASKED_MS),),
    expiring=(Expiring("table backups", "point-in-time recovery", "2026-12-31"),),
    models=(TrainedModel("20261124t000000-aaaaaa", True, "yes", "2026-12-03"),),
)


def write(shop, written):
    ErasureReceiptStore(shop.client("s3"), shop.names.artefact_bucket).write(written)
    return written.erasure_id


def start(shop, running):
    """Start the execution that a receipt names, and return its ARN."""
    execution = shop.client("stepfunctions").start_execution(
        stateMachineArn=shop.names.erasure_state_machine_arn, name=f"{running.erasure_id}-{running.runs}"
    )
    return execution["executionArn"]


def accept(server, path, erasure="a" * 32):
    server.answers[path] = 202, {}, {"erasureId": erasure, "status": "running"}


def test_erasure_is_requested_with_an_encoded_id(server):
    accept(server, "/users/~c2t1Lzc")

    result = run("erase", "sku/7", "--yes")

    assert server.methods == ["DELETE"]
    assert server.requests == [("/users/~c2t1Lzc", KEY.key_id, "")]
    assert result.stdout == ""
    assert "is running" in result.stderr
    assert f"users erasures status {'a' * 32}" in result.stderr
    assert "sku/7" not in result.stderr


def test_unconfirmed_erasure_is_not_requested(server):
    assert run("erase", "ann", input="n\n").exit_code == 1
    assert server.methods == []


def test_erasure_response_is_printed_as_json(server):
    accept(server, "/users/ann")

    assert run_json("erase", "ann", "--yes") == {"erasureId": "a" * 32, "status": "running"}


def test_refused_erasure_has_the_message_of_the_api(server):
    server.answers["/users/ann"] = 503, {}, {"message": "the erasure's workflow does not start"}

    with pytest.raises(Unavailable, match="DELETE /users/ann answered 503: the erasure's workflow does not start"):
        run("erase", "ann", "--yes")


def test_wait_option_prints_the_final_receipt(shop, server, monkeypatch):
    accept(server, "/users/ann")
    running = receipt("a" * 64)
    write(shop, running)
    start(shop, running)
    naps: list[float] = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            write(shop, COMPLETE)

    monkeypatch.setattr(time, "sleep", nap)

    assert run_json("erase", "ann", "--yes", "--wait") == json.loads(COMPLETE.to_json())
    assert naps == [1, 1, 1]


@pytest.mark.parametrize("runs", [1, 2])
def test_wait_option_fails_if_the_workflow_has_ended(runs, shop, server, monkeypatch):
    def nap(seconds):
        pytest.fail("it waits for a workflow that has ended")

    monkeypatch.setattr(time, "sleep", nap)
    accept(server, "/users/ann")
    running = receipt("a" * 64, runs=runs)
    write(shop, running)
    shop.client("stepfunctions").stop_execution(executionArn=start(shop, running))

    with pytest.raises(Unavailable, match=f"erasure {'a' * 32}: its workflow is ABORTED; request the erasure again"):
        run("erase", "ann", "--yes", "--wait")


def test_receipt_is_printed_as_json_and_text(shop):
    model = TrainedModel("v1", False, "unknown", None)
    found = dataclasses.replace(COMPLETE, models=(*COMPLETE.models, model))

    shown = run_json("erasures", "status", write(shop, found))
    text = run("erasures", "status", found.erasure_id).stdout

    assert (shown, shown["status"]) == (json.loads(found.to_json()), "complete")
    times = "requested 2026-11-25 10:41 UTC, completed 2026-11-25 10:43 UTC"
    assert text.splitlines()[0] == f"erasure {'a' * 32}: complete, {times}"
    assert cells(text) == [
        ["lake", "rewritten without", "14", "15"],
        ["table backups", "point-in-time recovery", "2026-12-31"],
        ["20261124t000000-aaaaaa", "yes", "yes", "2026-12-03"],
        ["v1", "", "unknown", "no schedule"],
    ]


def test_receipt_of_a_running_erasure_has_no_dates(shop):
    assert run("erasures", "status", write(shop, receipt("a" * 64))).stdout == (
        f"erasure {'a' * 32}: running, requested 2026-11-25 10:41 UTC\n"
    )


@pytest.fixture(params=[False, True], ids=["plain IDs", "pseudonymised IDs"])
def stored_id(request, shop, pseudonyms, select):
    """Return the form in which the deployment stores the user ID `ann`."""
    if not request.param:
        return "ann"
    select(dataclasses.replace(shop, names=dataclasses.replace(shop.names, pseudonymise_ids="1")))
    return pseudonyms.user("ann")


def test_receipt_is_found_by_the_user_id(stored_id, shop, pseudonyms):
    user_hash = pseudonyms.erased_user(stored_id)
    write(shop, receipt(user_hash))
    write(shop, COMPLETE)

    assert run_json("erasures", "status", "--user", "ann")["user_hash"] == user_hash


def test_repair_prints_the_number_of_restored_tombstones(shop):
    write(shop, COMPLETE)

    assert run_json("erasures", "repair") == {"restored": 1}
    assert run("erasures", "repair").stderr == "no tombstone is missing\n"


def test_erasure_of_an_unknown_user_is_refused(shop, pseudonyms):
    with pytest.raises(NotFound, match=f"there is no erasure {pseudonyms.erased_user('bob')[:32]}"):
        run("erasures", "status", "--user", "bob")


def test_erasures_are_listed_latest_first(shop):
    assert run_json("erasures", "list") == []
    later = receipt("b" * 64, requested_at_ms=ASKED_MS + 86_400_000)
    for erasure in (COMPLETE, later, receipt("c" * 64, requested_at_ms=ASKED_MS - 1)):
        write(shop, erasure)

    listed = run_json("erasures", "list")
    assert [(erasure["erasure_id"][0], erasure["status"]) for erasure in listed] == [
        ("b", "running"), ("a", "complete"), ("c", "running"),
    ]  # fmt: skip
    assert cells(run("erasures", "list").stdout)[:2] == [
        ["b" * 32, "running", "2026-11-26 10:41 UTC", ""],
        ["a" * 32, "complete", "2026-11-25 10:41 UTC", "2026-11-25 10:43 UTC"],
    ]


def test_export_is_one_json_document(stored_id, shop):
    users = UserStore(shop.client("dynamodb"), shop.names.users_table)
    users.put([User(stored_id, {"city": "Graz"})], now_ms=ASKED_MS)

    result = run("user-data", "ann")

    assert json.loads(result.stdout) == {
        "userId": stored_id,
        "user": {"properties": {"city": "Graz"}, "updatedAtMs": ASKED_MS},
        "profile": None,
        "sessions": [],
        "interactions": [],
        "recommendations": [],
        "quarantine": [],
        "erasure": None,
    }
    assert "objects searched" in result.stderr
