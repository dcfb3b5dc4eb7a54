"""Recommendations for many users on the embedded cloud, by the command line and by the deployment's workflow."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from operations.batch import workflow
from operations.batch.batch_client import BatchRequest
from operations.batch.user_ids import FailedUsers, UserIds
from operations.batch.workflow import BatchFailed, BatchRun
from operations.client import deployment as deployments
from operations.progress import Step
from tests.system.trained.opened_shop import USERS as KNOWN

USERS, BAD = 1_000, 3
SAMPLE = [f"user-{number}" for number in (0, 7, 59, 60, 500, 996)]


@pytest.fixture
def users(tmp_path):
    """Write a thousand user ids, three of which are invalid and most of which are unknown."""
    ids = [f"user-{number}" for number in range(USERS)]
    for place in (3, 600, 999):
        ids[place] = "x" * 257
    path = tmp_path / "users.txt"
    path.write_text("\n".join(ids))
    return path


def answered(shop, *arguments, directory):
    command = [str(Path(sys.executable).parent / "alsolike"), "recommend", *map(str, arguments), "--json"]
    environment = {**os.environ, "ALSOLIKE_STATE": str(shop.state)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=180, check=False, cwd=directory, env=environment
    )
    assert done.returncode == 1, done.stderr  # some users have no recommendations
    return json.loads(done.stdout)


def test_batch_of_users_equals_single_requests(shop, users, tmp_path):
    summary = answered(shop, "--users", users, "-k", "10", directory=tmp_path)

    rows = pq.read_table(tmp_path / "recommendations.parquet").to_pylist()
    check(shop, rows)
    assert (summary["users"], summary["failed"], summary["items"]) == (USERS, BAD, len(rows))
    assert summary["sources"] == {"model": KNOWN - 1, "popular": USERS - KNOWN - BAD + 1}
    failed = (tmp_path / "users.txt.failed.csv").read_text().splitlines()
    assert len(failed) == 1 + BAD
    assert failed[1] == f'{"x" * 257},4,"userId has 257 characters, expected at most 256"'


def test_workflow_writes_the_same_results_in_parts(shop, users, tmp_path):
    summary = answered(shop, "--users", users, "-k", "10", "--workflow", directory=tmp_path)

    s3, bucket, run = shop.cloud.client("s3"), shop.name("artefact-bucket"), summary["run"]
    keys = [e["Key"] for e in s3.list_objects_v2(Bucket=bucket, Prefix=f"batch/{run}/")["Contents"]]
    parts = sorted(key for key in keys if "/recommendations/" in key)
    assert parts == [f"batch/{run}/recommendations/part-00000{number}.parquet" for number in range(2)]
    assert not [key for key in keys if "/answers/" in key]
    rows = []
    for key in parts:
        s3.download_file(bucket, key, str(tmp_path / "part.parquet"))
        rows += pq.read_table(tmp_path / "part.parquet").to_pylist()
    check(shop, rows)
    assert (summary["users"], summary["failed"], summary["items"], summary["parts"]) == (USERS, BAD, len(rows), 2)
    assert len((tmp_path / "users.txt.failed.csv").read_text().splitlines()) == 1 + BAD


def test_failed_batch_fails_the_run_with_its_reason(shop, users, tmp_path):
    deployment = deployments.resolve(stack=None, state=shop.state)
    request = BatchRequest("for-you", 10, filter_name="sale")  # `alsolike recommend` refuses this filter earlier.
    name = workflow.new_name()
    with FailedUsers(tmp_path / "failed.csv") as failed:
        ids = UserIds(str(users), lambda: deployment.client("s3"))
        stored = workflow.store_users(name, ids, failed, deployment=deployment, step=Step())
        run = BatchRun(name, workflow.start_execution(name, request.fields(), deployment=deployment), *stored)
        with pytest.raises(BatchFailed) as raised:
            workflow.follow(run, failed, deployment=deployment, step=Step())

    assert "failed with 0 of 2 batches done: batch 00000" in str(raised.value)
    assert "NotFound: filter is 'sale', expected none: the configuration has no filters" in str(raised.value)


def test_segment_contains_the_users_of_the_items_aisle(shop, tmp_path):
    shop.alsolike("segments", "--item", "item-11", "-n", "15", "--output", tmp_path / "segment.csv")

    header, *rows = (tmp_path / "segment.csv").read_text().splitlines()
    assert header == "USER_ID,RANK"
    users = [row.split(",")[0] for row in rows]
    assert len(users) == 15
    assert {int(user.removeprefix("user-")) % 3 for user in users} == {1}


def check(shop, rows):
    by_user: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_user.setdefault(row["user_id"], []).append(row)
    assert list(by_user) == [f"user-{n}" for n in range(USERS) if n not in (3, 600, 999)]
    for user in SAMPLE:
        answer = shop.recommend(user, k=10)
        assert [row["item_id"] for row in by_user[user]] == answer.items
        assert [row["rank"] for row in by_user[user]] == list(range(1, 11))
        assert by_user[user][0]["source"] == answer.headers["x-alsolike-source"]
        assert {row["model_version"] for row in by_user[user]} == {answer.headers["x-alsolike-model-version"]}
        assert {row["recommender"] for row in by_user[user]} == {"for-you"}
