"""Deployment with a champion. Its dataset and latest days contain purchases of a few regular shoppers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import random
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from alsolike.bundle import bundle
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.configuration.configuration import DEFAULT
from alsolike.declarations.storage import MONITORING_STATE_KEY
from alsolike.declarations.times import DAY_MS
from alsolike.lake import partitions, served
from alsolike.profiles.profile import Profile, RecentInteraction, to_item
from alsolike.profiles.profile_table import ProfileStore
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.training.dataset import DatasetManifest, prefix
from alsolike.training.drift_reference import Reference
from alsolike.training.monitoring import DriftReport, DriftThresholds
from alsolike.training.stability_index import Histogram
from functions.archive_served.service import to_parquet
from functions.build_dataset.drift_reference import reference
from functions.monitor_models.service import MonitoringStores, look
from tests.builders.lambda_events import NOW_MS
from tests.builders.parquet import parquet
from tests.builders.served_rows import served as served_row
from tests.fakes import MemoryCloud

HOUR_MS = 3_600_000
PROFILES = "profiles"
ITEMS = [f"item-{number:02}" for number in range(20)]
RULES = DriftThresholds(psi=0.25, hours=24, retrains=True, new_interactions=None, silent_hours=999, stale_days=30)

Row = Mapping[str, Any]


def shopping(*, users: int = 150, each: int = 4, end_ms: int = NOW_MS, tail: float = 0.05, seed: int = 0) -> list[Row]:
    """Return purchases in the six days before `end_ms`. Each user buys `each` items, mostly those with lower numbers.

    `tail` is the share of purchases that concern the last five items.
    """
    rng = random.Random(seed)
    rows = []
    for user in range(users):
        for number in range(each):
            late = rng.random() < tail
            item = ITEMS[-1 - rng.randrange(5)] if late else ITEMS[min(int(rng.expovariate(0.3)), 14)]
            rows.append(
                event(f"{end_ms}-{seed}-{user}-{number}", f"user-{user}", item, end_ms - rng.randrange(1, 6 * DAY_MS))
            )
    return rows


def event(event_id: str, user: str, item: str | None, time_ms: int, **fields: Any) -> Row:
    return {
        "event_id": event_id, "user_id": user, "item_id": item, "event_type": "purchase", "event_value": 1.0,
        "event_time_ms": time_ms, "received_time_ms": time_ms, "properties": "{}", "schema_version": 2, **fields,
    }  # fmt: skip


def frame_of(rows: Iterable[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "profile_id": [f"u#{row['user_id']}" for row in rows],
            "item_id": [row["item_id"] for row in rows],
            "event_time_ms": [row["event_time_ms"] for row in rows],
            "event_type": [row["event_type"] for row in rows],
        }
    )


def catalogue(categories: Mapping[str, str]) -> pd.DataFrame:
    documents = [json.dumps({"category": name}) for name in categories.values()]
    return pd.DataFrame({"item_id": list(categories), "properties": documents}, dtype=object)


@dataclasses.dataclass
class MonitoredShop:
    client: Callable[[str], Any]
    cloud: MemoryCloud
    places: MonitoringStores
    objects: int = 0
    profiles: dict[str, Profile] = dataclasses.field(default_factory=dict)

    def champion(
        self,
        rows: Sequence[Row],
        *,
        version: str = "v1",
        described: Reference | None = None,
        top_scores: Histogram | None = None,
        with_reference: bool = True,
        now_ms: int = NOW_MS,
    ) -> None:
        """Promote a version that was trained on rows. `described` replaces the reference."""
        frame = frame_of(rows)
        counts = frame["item_id"].value_counts()
        by_rank = sorted(counts.index, key=lambda item: (-counts[item], item))
        made = reference(frame, catalogue({}), minimum_user_interactions=2, history_length=100)
        dataset = DatasetManifest(
            dataset_id=version, created_ms=now_ms, rows_read=len(rows), interactions=len(rows),
            users=frame["profile_id"].nunique(), items=len(by_rank), catalogue_items=0, dropped={},
            first_event_ms=int(frame["event_time_ms"].min()), last_event_ms=int(frame["event_time_ms"].max()),
            event_weights=DEFAULT.event_weights, minimum_item_interactions=1, minimum_user_interactions=2,
            repeat_share=0.0, lineage=(), reference=(described or made) if with_reference else None,
        )  # fmt: skip
        manifest = Manifest(
            version=version, algorithm="table", items=len(by_rank),
            history=HistoryParameters(100, 30.0, DEFAULT.event_weights), exclude_seen=False, dataset_id=version,
            last_event_ms=dataset.last_event_ms, created_ms=now_ms, code_version="1", metrics={},
            top_scores=top_scores,
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as name:
            bundle.write_ids(Path(name), by_rank)
            files = {file: (Path(name) / file).read_bytes() for file in ("ids.hash.npy", "ids.idx.npy")}
        for file, body in {**files, "manifest.json": manifest.to_json()}.items():
            self.put(f"{model_prefix(version)}{file}", body)
        self.put(f"{prefix(version)}manifest.json", dataset.to_json())
        Registry(self.places.s3, self.places.artefact_bucket).promote(version, reason="a test", now_ms=now_ms)

    def put(self, key: str, body: bytes) -> None:
        self.places.s3.put_object(Bucket=self.places.artefact_bucket, Key=key, Body=body)

    def happened(self, rows: Iterable[Row], *, profiles: bool = True) -> None:
        """Write rows to the lake, and their purchases to the live profiles if `profiles` is true."""
        days: dict[str, list[Row]] = {}
        profiles_by_id: dict[str, list[RecentInteraction]] = {}
        for row in rows:
            days.setdefault(partitions.event_date(row["event_time_ms"]), []).append(row)
            if row["item_id"] is not None and row["event_type"] == "purchase":
                recent = RecentInteraction(row["event_time_ms"], row["event_id"], row["item_id"], row["event_type"])
                profiles_by_id.setdefault(f"u#{row['user_id']}", []).append(recent)
        for date, some in days.items():
            self.objects += 1
            key = f"{partitions.partition_prefix(date)}{self.objects:06}.parquet"
            self.places.s3.put_object(Bucket=self.places.lake_bucket, Key=key, Body=parquet(some))
        if profiles:
            self._remember(profiles_by_id)

    def _remember(self, profiles_by_id: Mapping[str, Sequence[RecentInteraction]]) -> None:
        for profile_id, recent in profiles_by_id.items():
            self.profiles[profile_id] = self.profiles.get(profile_id, Profile(profile_id)).merge(recent)
        items = [
            to_item(profile, each, expires_s=2**31) for profile, recent in profiles_by_id.items() for each in recent
        ]
        for start in range(0, len(items), 25):
            puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            self.client("dynamodb").batch_write_item(RequestItems={PROFILES: puts})

    def answered(self, scores: Sequence[float], *, now_ms: int = NOW_MS, **fields: Any) -> None:
        """Log one response per score, each to a different shopper."""
        rows = [
            served_row(
                served_ms=now_ms - HOUR_MS + number,
                **{
                    "shopper": f"shopper-{number}", "model_version": "v1", "recommender": "for-you",
                    "source": "model", "filter": None, "rules": None, "top_score": score, **fields,
                },
            )
            for number, score in enumerate(scores)
        ]  # fmt: skip
        self.objects += 1
        key = f"{served.partition_prefix(served.served_date(now_ms))}{self.objects:06}.parquet"
        self.places.s3.put_object(Bucket=self.places.lake_bucket, Key=key, Body=to_parquet(rows))

    def look(self, *, now_ms: int = NOW_MS, rules: DriftThresholds = RULES) -> DriftReport:
        return look(self.places, configuration=DEFAULT, rules=rules, now_ms=now_ms)

    def state(self) -> dict[str, Any]:
        answer = self.places.s3.get_object(Bucket=self.places.artefact_bucket, Key=MONITORING_STATE_KEY)
        document: dict[str, Any] = json.load(answer["Body"])
        return document

    def started(self) -> list[dict[str, Any]]:
        arn = self.places.state_machine_arn
        found = self.places.states.list_executions(stateMachineArn=arn)["executions"]
        described = [self.places.states.describe_execution(executionArn=each["executionArn"]) for each in found]
        return [
            {"name": each["name"], "input": json.loads(each["input"])}
            for each in sorted(described, key=lambda each: each["startDate"])
        ]

    def ended(self, output: Mapping[str, Any] | None = None, *, status: str = "SUCCEEDED", entered: str = "") -> None:
        """End the running executions. Without `output`, the gate has rejected their models.

        `entered` is the only state in the histories of the executions.
        """
        result = {"start": {"first": "dataset"}, "registration": {"verdict": "rejected"}} if output is None else output
        event = {"id": 1, "timestamp": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "type": "ChoiceStateEntered"}
        history = [{**event, "stateEnteredEventDetails": {"name": entered}}]
        self.cloud.step_functions.end_all(status, output=result, history=history)


def places(client: Callable[[str], Any], *, lake_bucket: str, artefact_bucket: str, path: Path) -> MonitoringStores:
    """Return the stores of monitoring, with a workflow that only waits."""
    machine = client("stepfunctions").create_state_machine(
        name="training",
        definition=json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 9, "End": True}}}),
        roleArn="arn:aws:iam::123456789012:role/training",
    )["stateMachineArn"]
    return MonitoringStores(
        s3=client("s3"),
        states=client("stepfunctions"),
        lake_bucket=lake_bucket,
        artefact_bucket=artefact_bucket,
        profiles=ProfileStore(client("dynamodb"), PROFILES),
        state_machine_arn=machine,
        directory=path,
    )
