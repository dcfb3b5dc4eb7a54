"""Commands of runbooks, run on a booted cloud after the test causes the fault."""

import dataclasses
import functools
import hashlib
import json
import re
import shlex
import sys
import time
from pathlib import Path

import pytest

from alsolike.bundle.files import BIAS_GRAPH_FILE, GRAPH_FILE
from alsolike.bundle.manifest import Manifest
from tests.booted.assemblies import synthesized
from tests.booted.shop import SECONDS_PER_DAY, Shop, eventually, kill, write_history
from tests.booted.versions import publish_copy
from tests.builders.bundles import failing, filling_memory

_WITHOUT_RESULTS = (["keys", "disable"], ["keys", "delete"])
RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with Shop.booted(synthesized(), tmp_path_factory.mktemp("runbooks")) as shop:
        yield shop


def play(shop, page, heading="", **values):
    text = (RUNBOOKS / page).read_text()
    if heading:
        text = text[text.index(f"## {heading}") :]
    block = re.search(r"```console\n(.*?)```", text, re.S)
    assert block is not None
    results = []
    for line in block[1].splitlines():
        command = line.removeprefix("$ alsolike ").partition("  #")[0]
        for name, value in values.items():
            command = command.replace(name, value)
        arguments = shlex.split(command)
        run = shop.run_alsolike if arguments[:2] in _WITHOUT_RESULTS else shop.alsolike
        results.append(run(*arguments))
    return results


def later_second():
    """Return a time between the changes before and after this call.

    The times of restores are whole seconds.
    """
    now_s = time.time()
    time.sleep(2 - now_s % 1)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s + 1))


def fixes():
    rows = [row.split("|") for row in (RUNBOOKS / "degraded.md").read_text().splitlines() if row.startswith("| `")]
    return {
        reason: re.findall(r"`alsolike ([^`]+)`", fix)
        for _, reasons, _, fix, _ in rows
        for reason in re.findall(r"`([^`]+)`", reasons)
    }


def play_fix(shop, reason, **values):
    for command in fixes()[reason]:
        for name, value in values.items():
            command = command.replace(name, value)
        arguments = shlex.split(command)
        shop.alsolike(*arguments, *(["--yes"] if arguments[:2] == ["experiments", "stop"] else []))


def reasons_of(answer):
    if answer.status != 200:
        return [f"status {answer.status}"]
    return [reason.strip() for reason in answer.headers.get("x-alsolike-degraded", "").split(",") if reason]


def assert_fixed(shop, call, reason, **values):
    shown = eventually(lambda: reasons_of(call()), holds=lambda reasons: reason in reasons)
    assert reason in shown
    play_fix(shop, reason, **values)
    shown = eventually(lambda: reasons_of(call()), holds=lambda reasons: reason not in reasons)
    assert reason not in shown


def test_shop_without_a_model_trains_one(shop, tmp_path):
    write_history(tmp_path / "first.csv", users=30, days=24, end=time.time() - 4 * SECONDS_PER_DAY)
    shop.alsolike("import", "interactions", tmp_path / "first.csv")

    assert_fixed(shop, lambda: shop.recommend("user-1"), "no-model")


@pytest.mark.ci
def test_wrong_import_is_undone(shop, tmp_path):
    good, wrong = tmp_path / "good.csv", tmp_path / "wrong.csv"
    write_history(good, users=30, days=24, end=time.time() - 4 * SECONDS_PER_DAY)
    wrong.write_text(f"USER_ID,ITEM_ID,TIMESTAMP\nuser-0,not-ours,{int(time.time())}\n")
    shop.alsolike("import", "interactions", good)
    shop.alsolike("import", "interactions", wrong)
    latest, *_ = shop.alsolike("import", "list")

    _, undone, trained = play(shop, "lost-data.md", "A wrong import", ID=str(latest["import_id"]))

    assert (undone["rows"], undone["profiles"]) == (1, 1)
    assert trained["version"]
    assert "not-ours" not in [row["item_id"] for row in shop.lake_rows("interactions/")]


def test_leaked_key_is_replaced(shop):
    leaked = key_id(shop.alsolike("keys", "create", "checkout"))

    listed, rotated, _ = play(shop, "leaked-key.md", "Replace the key", CLIENT="checkout", KEY_ID=leaked)

    assert leaked in [key["key_id"] for key in listed]
    statuses = {key["key_id"]: key["status"] for key in shop.alsolike("keys", "list")}
    assert (statuses[leaked], statuses[key_id(rotated)]) == ("disabled", "active")
    play(shop, "leaked-key.md", "Look for damage", KEY_ID=leaked)


@pytest.fixture
def champion(shop, tmp_path):
    if shop.alsolike("status")["champion"] is None:
        write_history(tmp_path / "good.csv", users=30, days=24, end=time.time() - 4 * SECONDS_PER_DAY)
        shop.alsolike("import", "interactions", tmp_path / "good.csv")
        shop.alsolike("train")
    version = str(shop.alsolike("status")["champion"]["version"])
    eventually(
        lambda: shop.recommend("user-1"),
        holds=lambda answer: answer.headers.get("x-alsolike-model-version") == version and not reasons_of(answer),
    )
    return version


@pytest.mark.ci
def test_damaged_model_is_listed_and_repaired(shop, champion):
    put_file(shop, champion, "graph.onnx", b"damaged")
    (damaged,) = shop.alsolike("status")["champion"]["damaged"]
    assert damaged.startswith("graph.onnx has 7 bytes")

    listed, repaired = play(shop, "models.md", "A damaged model")

    assert {version["version"]: version["damaged"] for version in listed}[champion] == [damaged]
    assert repaired == {"repaired": [f"{champion}: restored graph.onnx"]}
    assert shop.alsolike("status")["champion"]["damaged"] == []


def test_forced_model_raises_an_alarm_until_it_is_replaced(shop, champion):
    publish_copy(shop, champion, "forced", passed=False)
    shop.alsolike("models", "promote", "forced", "--reason", "Christmas", exit_code=1)
    shop.alsolike("models", "promote", "forced", "--reason", "Christmas", "--force")
    shop.invoke("MonitorModels")
    eventually(lambda: is_forced_alarm_active(shop))
    assert is_forced_alarm_active(shop)

    play(shop, "models.md", "A forced model")

    report = shop.alsolike("status")
    assert (report["champion"]["version"], report["champion"]["forced"], report["held"]) == (champion, False, None)
    shown = shop.alsolike("models", "show", "forced")
    assert (shown["status"], shown["decision"]["verdict"]) == ("rejected", "rejected")
    shop.alsolike("models", "promote", "forced", "--reason", "again", exit_code=1)


def is_forced_alarm_active(shop):
    return any("Forced" in alarm["id"] for alarm in shop.alsolike("status")["alarms"])


@pytest.mark.ci
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of functions")
def test_model_that_needs_too_much_memory_is_not_served(shop, champion):
    publish_changed(shop, champion, "greedy", functools.partial(filling_memory, size_bytes=12_000_000_000))

    shop.alsolike("models", "promote", "greedy", "--reason", "a mistake")

    def degraded():
        answer = shop.recommend("user-1")
        assert (answer.status, answer.headers["x-alsolike-model-version"]) == (200, champion)
        return reasons_of(answer)

    # On a slow machine, a response may also have a reason for an exceeded time budget.
    assert "stale-model" in eventually(degraded, holds=lambda reasons: "stale-model" in reasons)
    shop.alsolike("models", "rollback", "--reason", "greedy needs too much memory")
    eventually(lambda: shop.recommend("user-1"), holds=lambda answer: "x-alsolike-degraded" not in answer.headers)


def publish_changed(shop, version, copy, change):
    publish_copy(shop, version, copy, passed=True)
    manifest = Manifest.from_json(get_file(shop, copy, "manifest.json"))
    files = dict(manifest.files)
    for name in (GRAPH_FILE, BIAS_GRAPH_FILE):
        graph = change(get_file(shop, copy, name))
        put_file(shop, copy, name, graph)
        files[name] = {"sha256": hashlib.sha256(graph).hexdigest(), "size_bytes": len(graph)}
    put_file(shop, copy, "manifest.json", dataclasses.replace(manifest, files=files).to_json())


def get_file(shop, version, name):
    stored = shop.cloud.client("s3").get_object(Bucket=shop.name("artefact-bucket"), Key=f"models/{version}/{name}")
    return stored["Body"].read()


def put_file(shop, version, name, body):
    key = f"models/{version}/{name}"
    shop.cloud.client("s3").put_object(Bucket=shop.name("artefact-bucket"), Key=key, Body=body)


def key_id(created):
    return str(created["environment"]["AWS_ACCESS_KEY_ID"])


def test_filter_that_removes_all_items_is_found_and_rolled_back(shop, tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(
        "format: 1\nitems: {columns: {brand: string}}\n"
        'filters: {sold-out: INCLUDE ItemID WHERE Items.BRAND IN ("none")}\n'
        "recommenders: {for-you: {filter: sold-out}}\n"
    )
    shop.alsolike("config", "apply", file, "--force", "--reason", "a mistake")
    eventually(lambda: shop.recommend("user-1"), holds=lambda answer: answer.items == [])

    report = eventually(lambda: shop.alsolike("status"), holds=lambda report: report["incomplete_responses"])

    assert report["incomplete_responses"][0]["filter"] == "sold-out"
    shop.alsolike("config", "rollback", "--to", "0", "--reason", "sold-out passes nothing")
    eventually(lambda: shop.recommend("user-1"), holds=lambda answer: len(answer.items) > 0)


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("model-failed", failing),
        ("model-slow", functools.partial(filling_memory, size_bytes=20_000_000, times=80)),
    ],
)
def test_version_that_fails_is_rolled_back(shop, champion, reason, change):
    publish_changed(shop, champion, reason, change)
    shop.alsolike("models", "promote", reason, "--reason", "a mistake")

    assert_fixed(shop, lambda: shop.recommend("user-1"), reason)

    assert shop.alsolike("status")["champion"]["version"] == champion


def test_promoted_version_with_a_damaged_file_is_repaired(shop, champion):
    publish_copy(shop, champion, "damaged", passed=True)
    put_file(shop, "damaged", "graph.onnx", b"damaged")
    shop.alsolike("models", "promote", "damaged", "--reason", "a mistake")
    stale = eventually(lambda: reasons_of(shop.recommend("user-1")))
    assert stale == ["stale-model"]

    play(shop, "models.md", "A damaged model")

    eventually(lambda: shop.recommend("user-1"), holds=lambda answer: not reasons_of(answer))
    answer = shop.recommend("user-1")
    assert (reasons_of(answer), answer.headers["x-alsolike-model-version"]) == ([], "damaged")
    shop.alsolike("models", "rollback", "--reason", "the end of the drill")


def test_arm_without_its_model_is_stopped(shop, champion):
    publish_copy(shop, champion, "arm", passed=True)
    put_file(shop, "arm", "graph.onnx", b"damaged")
    arms = ("--arm", "control=0.5", "--arm", "new=0.5:model=arm")
    shop.alsolike("experiments", "start", "drill", *arms, "--yes")

    def call():
        answers = [shop.recommend(f"user-{number}") for number in range(8)]
        return next((answer for answer in answers if reasons_of(answer)), answers[0])

    assert_fixed(shop, call, "arm-model-unavailable", VERSION="arm", NAME="drill")


@pytest.mark.parametrize("is_new_process", [False, True])
@pytest.mark.parametrize("part", ["configuration", "catalogue"])
def test_unreadable_object_is_written_again(shop, champion, tmp_path, part, is_new_process):
    file = tmp_path / "shop.yaml"
    file.write_text("format: 1\nitems: {columns: {brand: string}}\n")
    shop.alsolike("config", "apply", file, "--force", "--reason", "the drill")
    item = {"itemId": "item-00", "properties": json.dumps({"brand": "ours"})}
    assert shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": [item]}).status == 200
    eventually(lambda: shop.alsolike("status")["snapshot"])
    shop.recommend("user-1")
    before_damage = later_second()
    key = {"configuration": "config/current.json", "catalogue": "catalog/current.json"}[part]
    shop.cloud.client("s3").put_object(Bucket=shop.name("artefact-bucket"), Key=key, Body=b"{")
    if is_new_process:
        kill(shop, "Recommend")

    reason = f"{'no' if is_new_process else 'stale'}-{part}"
    assert_fixed(shop, lambda: shop.recommend("user-1"), reason, TIME=before_damage)

    assert shop.alsolike("status")["unreadable"] == []


def test_unreadable_trends_are_written_again(shop, champion):
    def trending():
        return shop.get("/trending")

    s3, bucket = shop.cloud.client("s3"), shop.name("artefact-bucket")
    shop.send("user-1", "item-00", at=time.time())
    eventually(lambda: list(shop.objects("artefact-bucket", "trends/")))
    eventually(lambda: reasons_of(trending()), holds=lambda reasons: not reasons)
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix="trends/")["Contents"]:
        s3.put_object(Bucket=bucket, Key=entry["Key"], Body=b"{")
    reason = "stale-trends"
    shown = eventually(lambda: reasons_of(trending()), holds=lambda reasons: reason in reasons)
    assert reason in shown

    shop.send("user-1", "item-01", at=time.time())  # the next update writes the trends again

    assert_fixed(shop, trending, reason)


def test_trends_that_s3_refuses_are_read_once_s3_answers(shop, champion):
    def trending():
        return reasons_of(shop.get("/trending"))

    s3, bucket, reason = shop.cloud.client("s3"), shop.name("artefact-bucket"), "no-trends"
    shop.send("user-1", "item-00", at=time.time())
    eventually(lambda: list(shop.objects("artefact-bucket", "trends/")))
    stored = dict(shop.objects("artefact-bucket", "trends/"))
    for key, body in stored.items():  # S3 refuses to read archived objects
        s3.put_object(Bucket=bucket, Key=key, Body=body, StorageClass="GLACIER")
    kill(shop, "Recommend")
    assert reason in eventually(trending, holds=lambda shown: reason in shown)

    for key, body in stored.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    play_fix(shop, reason)

    assert reason not in eventually(trending, holds=lambda shown: reason not in shown)


def test_lost_days_of_the_lake_are_restored(shop, champion):
    s3, bucket = shop.cloud.client("s3"), shop.name("lake-bucket")
    before = len(shop.lake_rows("interactions/"))
    known = shop.alsolike("status")["lake"]
    before_loss = later_second()
    days = sorted({key.split("/")[1] for key, _ in shop.objects("lake-bucket", "interactions/")})
    for day in days[1:4]:
        for key, _ in list(shop.objects("lake-bucket", f"interactions/{day}/")):
            s3.delete_object(Bucket=bucket, Key=key)
    lake = shop.alsolike("status")["lake"]
    assert (lake["first_day"], len(lake["missing_days"])) == (known["first_day"], len(known["missing_days"]) + 3)

    planned, restored = play(shop, "lost-data.md", "Lost days of the lake", TIME=before_loss)

    assert planned == restored
    assert shop.alsolike("status")["lake"]["missing_days"] == known["missing_days"]
    assert len(shop.lake_rows("interactions/")) == before


CURRENT_USER = """\
format: 1
items: {columns: {brand: string}}
users: {columns: {brand: string}}
filters: {not-owned: EXCLUDE ItemID WHERE Items.BRAND IN CurrentUser.BRAND}
recommenders: {for-you: {filter: not-owned, fatigue: {strength: 0.5, half_life_hours: 48}}}
"""


@pytest.mark.parametrize(
    ("table", "reasons"),
    [("profiles-table", {"profile-unavailable", "impressions-unavailable"}), ("users-table", {"user-unavailable"})],
)
def test_lost_table_is_filled_from_the_lake(shop, champion, tmp_path, table, reasons):
    file = tmp_path / "shop.yaml"
    file.write_text(CURRENT_USER)
    shop.alsolike("config", "apply", file, "--force", "--reason", "a filter that reads the user")
    user = {"userId": "user-1", "properties": json.dumps({"brand": "ours"})}
    assert shop.post("/users", {"datasetArn": shop.name("users-dataset-arn"), "users": [user]}).status == 200
    eventually(lambda: list(shop.objects("lake-bucket", "users/")))
    dynamodb, name = shop.cloud.client("dynamodb"), shop.name(table)
    create = deleted_table(dynamodb, name)
    shown = eventually(lambda: reasons_of(shop.recommend("user-1")), holds=lambda shown: reasons <= set(shown))
    assert reasons <= set(shown)
    assert shop.alsolike("status")["missing_tables"] == [name]
    create()  # A deployment that reverts drift also creates the table.

    (rebuilt,) = play(shop, "lost-data.md", "A lost table")

    assert (rebuilt["profiles"] >= 30, rebuilt["users"]) == (True, 1)
    assert dynamodb.scan(TableName=name, Select="COUNT")["Count"] > 0
    shown = eventually(lambda: reasons_of(shop.recommend("user-1")), holds=reasons.isdisjoint)
    assert reasons.isdisjoint(shown)


@pytest.mark.parametrize("is_new_process", [False, True])
def test_unreadable_actions_are_repaired(shop, champion, is_new_process):
    def call():
        return shop.post("/action-recommendations", {"userId": "user-1"})

    actions = shop.name("items-dataset-arn").replace("/ITEMS", "/ACTIONS")
    assert shop.post("/actions", {"datasetArn": actions, "actions": [{"actionId": "install-app"}]}).status == 200
    eventually(lambda: call().document["actionList"])
    key = "catalog/actions.json"
    shop.cloud.client("s3").put_object(Bucket=shop.name("artefact-bucket"), Key=key, Body=b"{")
    if is_new_process:
        kill(shop, "Recommend")

    assert_fixed(shop, call, f"{'no' if is_new_process else 'stale'}-actions")

    assert [action["actionId"] for action in call().document["actionList"]] == ["install-app"]


def test_champion_without_a_model_of_actions_is_replaced(shop, champion):
    def call():
        return shop.post("/action-recommendations", {"userId": "user-1"})

    actions = shop.name("items-dataset-arn").replace("/ITEMS", "/ACTIONS")
    assert shop.post("/actions", {"datasetArn": actions, "actions": [{"actionId": "install-app"}]}).status == 200
    before = len(shop.lake_rows("interactions/"))
    outcomes = [
        {
            "actionId": "install-app",
            "userId": f"user-{user}",
            "sessionId": f"session-{user}",
            "timestamp": time.time() - (10 - number) * 3_600 - user,
            "eventType": "Taken" if user % 2 else "Not Taken",
        }
        for number in range(10)
        for user in range(20)
    ]
    for begin in range(0, len(outcomes), 10):
        body = {"trackingId": shop.name("tracking-id"), "actionInteractions": outcomes[begin : begin + 10]}
        assert shop.post("/action-interactions", body).status == 200
    for user in range(20):
        assert shop.send(f"user-{user}", f"item-{user % 3}{(user // 3 + 24) % 10}", at=time.time()).status == 200
    sent = len(outcomes) + 20
    stored = eventually(lambda: len(shop.lake_rows("interactions/")) - before, holds=lambda rows: rows == sent)
    assert stored == sent

    assert_fixed(shop, call, "action-rates")


def deleted_table(dynamodb, name):
    description = dynamodb.describe_table(TableName=name)["Table"]
    dynamodb.delete_table(TableName=name)
    definition = {key: description[key] for key in ("TableName", "KeySchema", "AttributeDefinitions")}
    return lambda: dynamodb.create_table(**definition, BillingMode="PAY_PER_REQUEST") and None


def test_every_reason_has_a_drill():
    drills = {
        *("no-model", "stale-model", "model-failed", "model-slow", "arm-model-unavailable"),
        *("no-configuration", "stale-configuration", "no-catalogue", "stale-catalogue", "no-trends", "stale-trends"),
        *("profile-unavailable", "user-unavailable", "impressions-unavailable"),
        *("no-actions", "stale-actions", "action-rates"),
    }
    assert fixes().keys() == drills
