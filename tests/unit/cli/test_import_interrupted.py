"""An import that is stopped anywhere and repeated ends as one that was never stopped."""

from __future__ import annotations

import io
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.moto_api._internal import models as moto_api
from moto.server import ThreadedMotoServer

from alsolike.errors import InvalidInput
from alsolike.profiles import ProfileStore
from cli.deployment import Deployment
from cli.importing import load_metadata
from cli.importing.inputs import Options
from cli.importing.journal import Journal
from cli.importing.load import import_interactions
from cli.importing.load_metadata import import_items
from cli.importing.summary import ImportSummary
from tests.unit.cli.shop import NAMES, REGION
from tests.unit.cli.stopped_import import small_pieces
from tests.unit.functions.cloud import create_bucket, create_table

NOW_MS = 1_700_000_000_000
LATER_MS = NOW_MS + 60_000
DAY_S = 86_400


class Killed(BaseException):
    """Stands for SIGKILL: nobody is expected to catch it."""


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    small_pieces(monkeypatch.setattr)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """150 rows of 7 users on 3 days, each 30th of them bad."""
    rows = (
        f"{'' if row % 30 == 7 else row % 7},i{row % 11},{1_500_000_000 + (row * 7919) % (3 * DAY_S)}\n"
        for row in range(150)
    )
    path = tmp_path / "p.csv"
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\n" + "".join(rows))
    return path


def load(deployment: Deployment, path: Path, *, now_ms: int = NOW_MS, again: bool = False) -> ImportSummary:
    return import_interactions(
        [path], deployment, default_event_type="view", now_ms=now_ms, options=Options(again=again)
    )


def end_state(client: Callable[[str], Any], path: Path) -> tuple[Any, ...]:
    """Return rows of the lake without their arrival, profiles with their number of writes, and the rejected rows."""
    s3 = client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="lake").get("Contents", [])]
    tables = [pq.read_table(io.BytesIO(s3.get_object(Bucket="lake", Key=key)["Body"].read())) for key in keys]
    rows: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    assert rows.pop("received_time_ms").nunique() == 1  # one import, one moment
    store = ProfileStore(client("dynamodb"), "profiles")
    ids = [item["profile_id"]["S"] for item in client("dynamodb").scan(TableName="profiles")["Items"]]
    profiles = [store.read(profile_id) for profile_id in sorted(ids)]
    rejected = path.with_name("p.csv.rejected.csv").read_text()
    return keys, rows.astype(str).to_numpy().tolist(), profiles, rejected


def stop_at(deployment: Deployment, call: int, error: type[BaseException]) -> None:
    """Let the deployment's clients raise at a call of AWS, counted from 0."""
    calls = itertools.count()

    def stop(**_: Any) -> None:
        if next(calls) == call:
            raise error

    for service in ("s3", "dynamodb"):
        deployment.client(service).meta.events.register("before-call", stop, unique_id="stop")


def go_on(deployment: Deployment) -> None:
    for service in ("s3", "dynamodb"):
        deployment.client(service).meta.events.unregister("before-call", unique_id="stop")


def empty(deployment: Deployment, path: Path) -> None:
    s3, dynamodb = deployment.client("s3"), deployment.client("dynamodb")
    for bucket in ("lake", "artefacts"):
        for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=entry["Key"])
    for item in dynamodb.scan(TableName="profiles")["Items"]:
        dynamodb.delete_item(TableName="profiles", Key={"profile_id": item["profile_id"]})
    path.with_name("p.csv.rejected.csv").unlink(missing_ok=True)


@pytest.mark.parametrize(("error", "step"), [(KeyboardInterrupt, 6), (Killed, 2)])
def test_import_stopped_at_any_call_and_repeated_ends_as_one_that_was_not(
    deployment: Deployment, history: Path, error: type[BaseException], step: int
) -> None:
    whole = load(deployment, history)
    expected = end_state(deployment.client, history)
    assert (whole.imported, whole.rejected, whole.profiles) == (145, 5, 7)

    for call in itertools.count(step=step):
        empty(deployment, history)
        stop_at(deployment, call, error)
        try:
            load(deployment, history)
        except error:
            stopped = True
        else:
            stopped = False
        go_on(deployment)

        repeated = load(deployment, history, now_ms=LATER_MS)

        assert end_state(deployment.client, history) == expected, f"stopped at call {call}"
        assert (repeated.imported, repeated.rejected) == (145, 5)
        if not stopped:
            break
    assert call > 20  # an import that makes fewer calls would be no test


def test_repeated_run_writes_no_object_that_is_there(
    deployment: Deployment, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load(deployment, history)
    empty(deployment, history)
    record = Journal.record

    def record_and_die(journal: Journal, step: str, count: int, **options: Any) -> None:
        record(journal, step, count, **options)
        raise Killed

    monkeypatch.setattr(Journal, "record", record_and_die)
    with pytest.raises(Killed):
        load(deployment, history)
    monkeypatch.setattr(Journal, "record", record)

    repeated = load(deployment, history, now_ms=LATER_MS)

    assert 0 < repeated.objects < whole.objects


def test_finished_file_is_skipped_until_it_is_asked_for_again(deployment: Deployment, history: Path) -> None:
    first = load(deployment, history)
    before = end_state(deployment.client, history)

    second = load(deployment, history, now_ms=LATER_MS)
    again = load(deployment, history, now_ms=LATER_MS, again=True)

    assert (second.objects, second.files[0].imported_before_ms) == (0, NOW_MS)
    assert (second.imported, dict(second.files[0].rejected)) == (first.imported, dict(first.files[0].rejected))
    assert (again.objects, again.files[0].imported_before_ms) == (first.objects, None)
    assert end_state(deployment.client, history) == before


def test_finished_file_whose_rejected_rows_are_gone_gives_them_back(deployment: Deployment, history: Path) -> None:
    load(deployment, history)
    rejected = history.with_name("p.csv.rejected.csv")
    before = rejected.read_text()
    rejected.unlink()

    load(deployment, history, now_ms=LATER_MS)

    assert rejected.read_text() == before


def test_other_options_begin_anew(deployment: Deployment, history: Path) -> None:
    load(deployment, history)

    summary = import_interactions([history], deployment, default_event_type="purchase", now_ms=LATER_MS)

    s3 = deployment.client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="lake")["Contents"]]
    types = {
        kind
        for key in keys
        for kind in pq.read_table(io.BytesIO(s3.get_object(Bucket="lake", Key=key)["Body"].read()))[
            "event_type"
        ].to_pylist()
    }
    assert types == {"purchase"}  # every object of the first import was overwritten
    assert summary.objects == len(keys)


def test_items_are_imported_on_from_where_it_stopped_and_anew_once_done(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_metadata, "CHUNK_ROWS", 20)
    path = tmp_path / "i.csv"
    path.write_text("ITEM_ID,TITLE\n" + "".join(f"{row},title {row}\n" for row in range(100)))
    stop_at(deployment, 9, Killed)
    with pytest.raises(Killed):
        import_items([path], deployment, now_ms=NOW_MS)
    go_on(deployment)
    dynamodb = deployment.client("dynamodb")

    def times() -> dict[str, int]:
        found = dynamodb.scan(TableName="catalogue")["Items"]
        return {item["item_id"]["S"]: int(item["updated_at_ms"]["N"]) for item in found}

    there = times()
    assert 0 < len(there) < 100

    summary = import_items([path], deployment, now_ms=LATER_MS)
    items = times()

    assert summary.imported == len(items) == 100
    # Each bears the time at which it was written: what others wrote in between is earlier.
    assert all(NOW_MS <= at < LATER_MS for at in there.values())
    assert all(at >= LATER_MS for item_id, at in items.items() if item_id not in there)
    import_items([path], deployment, now_ms=LATER_MS)
    assert all(at >= LATER_MS for at in times().values())


def test_the_same_content_under_other_columns_is_refused_before_it_counts_twice(
    deployment: Deployment, tmp_path: Path
) -> None:
    path = tmp_path / "p.csv"
    path.write_text("USER_ID,ITEM_ID,SHIPPED,ORDERED\nann,a,1500000000,1400000000\n")

    def load_by(column: str, *, again: bool = False) -> int:
        options = Options(mapping=[f"{column}=TIMESTAMP"], again=again)
        return import_interactions(
            [path], deployment, default_event_type="view", now_ms=NOW_MS, options=options
        ).imported

    load_by("SHIPPED")
    with pytest.raises(
        InvalidInput, match=r"imported before with other columns \(USER_ID, ITEM_ID, TIMESTAMP, ORDERED"
    ):
        load_by("ORDERED")
    assert len(deployment.client("s3").list_objects_v2(Bucket="lake")["Contents"]) == 1
    assert load_by("ORDERED", again=True) == 1


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    moto_api.moto_api_backend.reset()  # what an earlier server kept is this process's
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_process_that_is_killed_while_it_writes_is_completed_by_the_next(
    server: str, history: Path, number: signal.Signals, status: int
) -> None:
    client = _clients(server)
    for bucket in (NAMES.lake_bucket, NAMES.artefact_bucket):
        create_bucket(client("s3"), bucket)
    create_table(client("dynamodb"), NAMES.profiles_table, key="profile_id")
    deployment = Deployment("shop", NAMES, client, str, is_local=False)
    load(deployment, history)
    expected = end_state(client, history)
    empty(deployment, history)

    run = subprocess.run(
        [sys.executable, "-m", "tests.unit.cli.stopped_import", server, str(history), str(int(number)), "5"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[3],
        env=os.environ,
    )

    assert run.returncode == status, run.stderr
    if number is signal.SIGINT:
        assert "what is imported stays, and the same command goes on from there" in run.stderr
    assert load(deployment, history, now_ms=LATER_MS).imported == 145
    assert end_state(client, history) == expected


def _clients(endpoint: str) -> Callable[[str], Any]:
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = boto3.client(service, region_name=REGION, endpoint_url=endpoint)
        return made[service]

    return client
