"""What an operator does through the API: trains, looks, promotes, rolls back and tries rules."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from alsolike.decision import Check, Decision, Decisions
from alsolike.manifest import Manifest
from tests.integration.loop.shop import SECONDS_PER_DAY, Shop, eventually, write_history

COPY = "a-copy"


def operate(shop: Shop, method: str, path: str, document: Any = None) -> dict[str, Any]:
    answer = shop.administer(method, f"/operator/{path}", document)
    assert answer.status == 200, answer.document
    return answer.document


def refused(shop: Shop, path: str, document: Any) -> tuple[int, str]:
    answer = shop.administer("POST", f"/operator/{path}", document)
    return answer.status, str(answer.document["message"])


def publish_copy(shop: Shop, version: str) -> None:
    """Register a version's bundle once more, as the gate does with one that it rejects."""
    s3, bucket = shop.cloud.client("s3"), shop.name("artefact-bucket")
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=f"models/{version}/")["Contents"]:
        key = entry["Key"].replace(version, COPY)
        s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": entry["Key"]})
    key = f"models/{COPY}/manifest.json"
    manifest = Manifest.from_json(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    s3.put_object(Bucket=bucket, Key=key, Body=dataclasses.replace(manifest, version=COPY).to_json())
    Decisions(s3, bucket).keep(Decision(COPY, 1, version, (Check("ndcg", passed=False, figures="0.1, not 0.2"),)))
    shop.cloud.client("sagemaker").create_model_package(
        ModelPackageGroupName=shop.name("model-package-group"),
        ModelPackageDescription=COPY,
        ModelApprovalStatus="Rejected",
        CustomerMetadataProperties={"version": COPY, "algorithm": manifest.algorithm, "items": str(manifest.items)},
    )


def run(shop: Shop, run_id: str) -> dict[str, Any]:
    """Return a run once it has ended."""

    def probe() -> dict[str, Any]:
        (found,) = [each for each in operate(shop, "GET", "trainings")["runs"] if each["id"] == run_id]
        return dict(found)

    return eventually(probe, holds=lambda found: found["status"] != "RUNNING", within_s=150)


def served(shop: Shop, *, until: str) -> str:
    """Return the version that recommendations come from: which is to be `until` within the minute."""

    def probe() -> str:
        return shop.recommend("user-0").headers["x-alsolike-model-version"]

    return eventually(probe, holds=until.__eq__, within_s=60)


def test_an_operator_trains_looks_promotes_and_rolls_back(shop: Shop, tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", users=45, days=24, end=time.time() - 2 * SECONDS_PER_DAY)
    shop.alsolike("import", "interactions", tmp_path / "history.csv")

    first = operate(shop, "POST", "trainings", {"reason": "the first", "clientToken": "one"})
    assert operate(shop, "POST", "trainings", {"clientToken": "one"}) == first
    status, said = refused(shop, "trainings", {"clientToken": "two"})
    assert (status, f"run {first['id']} goes on" in said) == (409, True)
    told = run(shop, first["id"])
    assert (told["outcome"], told["reason"].partition(" (operator ")[0]) == ("promoted", "by-hand: the first")
    states = {each["name"]: each for each in told["states"]}
    assert {"StartTraining", "BuildDataset", "Train", "RegisterModel", "StartCanary"} <= set(states)
    assert all(told["startedMs"] - 1_000 <= each["enteredMs"] <= each["leftMs"] for each in states.values())
    assert states["Train"]["leftMs"] > states["Train"]["enteredMs"]
    first_version = told["version"]
    publish_copy(shop, first_version)

    models = operate(shop, "GET", "models")
    assert {each["version"]: each["status"] for each in models["versions"]} == {
        first_version: "champion",
        COPY: "rejected",
    }
    story, shown = operate(shop, "GET", f"models/{first_version}"), shop.alsolike("models", "show", first_version)
    assert story["decision"]["checks"] == [
        {name: each[name] for name in ("name", "passed", "figures")} for each in shown["decision"]["checks"]
    ]
    compared = shown["manifest"]["metrics"]["candidates"]
    assert {each["algorithm"]: each["ndcg"] for each in story["candidates"]} == {
        each["algorithm"]: each["ndcg"] for each in compared
    }
    assert [each["reason"] for each in story["promotions"]] == [each["reason"] for each in shown["promotions"]]
    assert served(shop, until=first_version) == first_version

    seen = models["champion"]["etag"]
    status, said = refused(shop, f"models/{COPY}/promotion", {"reason": "I like it", "etag": seen})
    assert (status, f"the gate rejected model version '{COPY}' (failed: ndcg" in said) == (400, True)
    forced = {"reason": "I like it", "force": True, "etag": seen}
    promoted = operate(shop, "POST", f"models/{COPY}/promotion", forced)["champion"]
    assert (promoted["version"], promoted["previous"]) == (COPY, first_version)
    assert promoted["history"][0]["reason"].startswith("I like it (operator ")
    assert operate(shop, "GET", f"models/{COPY}")["decision"]["forced"] == promoted["history"][0]["reason"]
    assert served(shop, until=COPY) == COPY

    status, said = refused(shop, "rollbacks", {"reason": "not mine", "etag": seen})
    assert (status, f"'{COPY}' is champion now" in said) == (409, True)

    back = operate(shop, "POST", "rollbacks", {"reason": "socks only"})
    assert (back["version"], back["held"].partition(" (")[0]) == (first_version, "socks only")
    assert served(shop, until=first_version) == first_version
    assert "held since" in shop.alsolike("status")["held"]
    assert operate(shop, "POST", "models/resume", {})["held"] is None


def test_rules_are_tried_as_the_command_line_tries_them(shop: Shop) -> None:
    tried = operate(shop, "POST", "rules/preview", {"userId": "user-0", "numResults": 5})

    assert len(tried["before"]) == 5
    assert tried == shop.alsolike("rules", "preview", "--user", "user-0", "-k", "5", "--metadata", "")
    status, said = refused(shop, "rules/preview", {"userId": "user-0", "rules": "none"})
    assert (status, "the configuration has no rules" in said) == (404, True)


def test_who_may_not_administer_may_not_operate(shop: Shop) -> None:
    assert shop.get("/operator/models").status == 403
    assert shop.post("/operator/rollbacks", {"reason": "mine"}).status == 403
