"""Segments of users by the deployment's batch workflow."""

from __future__ import annotations

import csv
import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from alsolike.configuration.aliases import SEGMENTS
from alsolike.declarations.storage import BATCH_PREFIX
from alsolike.recommendations.segments import MAX_USERS, check_names, parse_line
from alsolike.runtime.errors import InvalidInput, Unavailable
from operations.batch import workflow
from operations.batch.user_ids import FailedUsers, UserIds
from operations.batch.workflow import BatchRun
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.configuration.deployed_configuration import live_configuration, own_names
from operations.progress import Step

COLUMNS = ("USER_ID", "RANK")


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """Users of a segment, best first."""

    users: tuple[str, ...]
    run: str
    seconds: float


def start(
    line: Mapping[str, Any],
    *,
    size: int,
    ids: UserIds | None,
    failed: FailedUsers,
    deployment: Deployment,
    step: Step,
) -> BatchRun:
    """Start the workflow for one line of a segment job, as in `alsolike.recommendations.segments`.

    None for `ids` selects from all users with interactions in the champion's dataset.
    """
    configuration = own_names(deployment).added_to(live_configuration(deployment))
    check_names(parse_line(line, "the segment"), "the segment", configuration)
    if not 1 <= size <= MAX_USERS:
        raise InvalidInput(f"the segment has {size:,} users, expected 1 to {MAX_USERS:,}")
    name = workflow.new_name()
    users, batches = (
        (0, 0) if ids is None else workflow.store_users(name, ids, failed, deployment=deployment, step=step)
    )
    bucket, key = deployment.names.artefact_bucket, f"{_folder(name)}lines"
    with translate_aws_errors(f"bucket {bucket}"):
        deployment.client("s3").put_object(Bucket=bucket, Key=key, Body=orjson.dumps(line))
    fields = {
        "recommender": SEGMENTS,
        "numResults": size,
        "filter": None,
        "filterValues": None,
        "source": f"s3://{bucket}/{key}",
        "output": f"s3://{bucket}/{_folder(name)}",
    }
    return BatchRun(name, workflow.start_execution(name, fields, deployment=deployment), users, batches)


def follow(run: BatchRun, failed: FailedUsers, *, deployment: Deployment, step: Step) -> Segment:
    started = time.perf_counter()
    workflow.wait(run, deployment=deployment, step=step)
    workflow.add_failed(run, failed, deployment=deployment)
    output = orjson.loads(workflow.read(deployment, f"{_folder(run.name)}lines.out"))
    return Segment(tuple(output["output"]["recommendedUsers"]), run.name, time.perf_counter() - started)


def write(segment: Segment, path: Path) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(COLUMNS)
            rows.writerows((user, rank) for rank, user in enumerate(segment.users, start=1))
        partial.replace(path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _folder(run: str) -> str:
    return f"{BATCH_PREFIX}{run}/segment/"
