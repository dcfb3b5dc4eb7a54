"""Recommendations for many users by a workflow in the deployment. Its input and output are objects in S3."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import itertools
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from alsolike.filters import parser
from alsolike.filters.evaluation import refuse_unknown
from alsolike.recommendations.batch_table import errors_prefix, failed_key, part_key, users_key
from alsolike.recommendations.request_fields import BATCH
from alsolike.runtime.errors import AlsolikeError, InvalidInput, NotFound
from alsolike.runtime.s3 import listed
from operations.batch.batch_client import BatchRequest
from operations.batch.user_ids import FailedUsers, UserId, UserIds
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.concurrent_map import in_order
from operations.configuration.deployed_configuration import live_configuration, own_names
from operations.progress import Step, counted

USERS_OF_A_BATCH = 500
_MAX_CONCURRENT_UPLOADS = 8
_SHOWN_ERRORS = 3


class BatchFailed(AlsolikeError):
    """The workflow ended before all batches finished. Existing parts contain the results of finished batches."""


@dataclasses.dataclass(frozen=True, slots=True)
class BatchRun:
    """Uploaded users and the execution of the workflow. `users` and `batches` are 0 if no users were uploaded."""

    name: str
    execution_arn: str
    users: int = 0
    batches: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class BatchResult:
    """Result of a finished workflow. The parts below `uri` have the order of the input if they are sorted by name."""

    uri: str
    parts: int
    users: int
    items: int
    failed: int
    seconds: float


def new_name() -> str:
    return f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def start(ids: UserIds, request: BatchRequest, failed: FailedUsers, *, deployment: Deployment, step: Step) -> BatchRun:
    """Check the request, upload the users in batches and start the workflow. Invalid IDs are written to `failed`."""
    _check(request, deployment)
    name = new_name()
    users, batches = store_users(name, ids, failed, deployment=deployment, step=step)
    return BatchRun(name, start_execution(name, request.fields(), deployment=deployment), users, batches)


def _check(request: BatchRequest, deployment: Deployment) -> None:
    BATCH.fields["recommender"].read(request.recommender, "--recommender")
    if request.filter_name is None:
        return
    filters = own_names(deployment).added_to(live_configuration(deployment)).filters
    if request.filter_name not in filters:
        known = ", ".join(sorted(filters)) or "none: the configuration has no filters"
        raise NotFound(f"--filter is {request.filter_name!r}, expected {known}")
    refuse_unknown(request.filter_values, parser.parse(filters[request.filter_name]), name=request.filter_name)


def store_users(name: str, ids: UserIds, failed: FailedUsers, *, deployment: Deployment, step: Step) -> tuple[int, int]:
    """Upload the users of a run in batches. Return the numbers of users and of batches."""
    s3, bucket = deployment.client("s3"), deployment.names.artefact_bucket

    def put(batch: tuple[int, list[str]]) -> int:
        number, users = batch
        with translate_aws_errors(f"bucket {bucket}"):
            s3.put_object(Bucket=bucket, Key=users_key(name, f"{number:06d}"), Body=orjson.dumps(users))
        return len(users)

    users = batches = 0
    good = _good(ids.read(step.reach), failed)
    chunks = iter(lambda: list(itertools.islice(good, USERS_OF_A_BATCH)), [])
    for _, stored in in_order(enumerate(chunks), put, parallel=_MAX_CONCURRENT_UPLOADS):
        users, batches = users + stored, batches + 1
        step.note(counted(users, "user"))
    if not users:
        raise InvalidInput(f"{ids.name} has no users")
    return users, batches


def start_execution(name: str, fields: Mapping[str, Any], *, deployment: Deployment) -> str:
    arn = deployment.names.batch_state_machine_arn
    with translate_aws_errors(f"state machine {arn}"):
        answer = deployment.client("stepfunctions").start_execution(
            stateMachineArn=arn, name=name, input=orjson.dumps({"run": name, **fields}).decode()
        )
    return str(answer["executionArn"])


def follow(run: BatchRun, failed: FailedUsers, *, deployment: Deployment, step: Step) -> BatchResult:
    started = time.perf_counter()
    parts = wait(run, deployment=deployment, step=step)
    if len(parts) != run.batches:
        raise BatchFailed(f"run {run.name} ended with {len(parts):,} parts, expected {run.batches:,}")
    counted = [_counts(deployment, key) for key in parts]
    add_failed(run, failed, deployment=deployment)
    users, items, refused = (sum(counts[name] for counts in counted) for name in ("users", "items", "failed"))
    uri = f"s3://{deployment.names.artefact_bucket}/{part_key(run.name)}"
    return BatchResult(uri, len(parts), users + refused, items, failed.count, time.perf_counter() - started)


def wait(run: BatchRun, *, deployment: Deployment, step: Step) -> list[str]:
    """Wait until the workflow ends, and return the keys of the parts."""
    client = deployment.client("stepfunctions")
    while True:
        with translate_aws_errors(f"execution {run.execution_arn}"):
            execution = client.describe_execution(executionArn=run.execution_arn)
        parts = _keys(deployment, part_key(run.name))
        step.reach(len(parts))
        done = f"{len(parts):,} of {run.batches:,} batches" if run.batches else f"{len(parts):,} batches"
        step.note(done)
        if execution["status"] != "RUNNING":
            break
        time.sleep(0.5 if deployment.is_local else 5.0)
    if execution["status"] != "SUCCEEDED":
        cause = execution.get("cause") or execution.get("error") or "no cause named"
        reason = _errors(deployment, run) or _message(cause)
        raise BatchFailed(f"run {run.name} {execution['status'].lower()} with {done} done: {reason}")
    return parts


def add_failed(run: BatchRun, failed: FailedUsers, *, deployment: Deployment) -> None:
    for key in _keys(deployment, failed_key(run.name)):
        for line in read(deployment, key).splitlines():
            entry = orjson.loads(line)
            failed.add(UserId(0, entry["user_id"]), entry["reason"])


def copy(run: BatchRun, target: str, *, deployment: Deployment) -> str:
    """Copy the parts to `s3://bucket/prefix/` with the caller's permissions, and return the target."""
    bucket, prefix = _place(target)
    s3, source = deployment.client("s3"), deployment.names.artefact_bucket
    for key in _keys(deployment, part_key(run.name)):
        with translate_aws_errors(f"bucket {bucket}"):
            s3.copy_object(
                Bucket=bucket, Key=prefix + key.rpartition("/")[2], CopySource={"Bucket": source, "Key": key}
            )
    return f"s3://{bucket}/{prefix}"


def _place(target: str) -> tuple[str, str]:
    bucket, _, prefix = target.removeprefix("s3://").partition("/")
    if not bucket:
        raise InvalidInput(f"--output is {target}, expected s3://bucket/prefix/")
    return bucket, f"{prefix.rstrip('/')}/" if prefix else ""


def _good(ids: Iterator[UserId], failed: FailedUsers) -> Iterator[str]:
    for user in ids:
        if user.fault is None:
            yield user.text
        else:
            failed.add(user, user.fault)


def _keys(deployment: Deployment, prefix: str) -> list[str]:
    return [entry.key for entry in listed(deployment.client("s3"), deployment.names.artefact_bucket, prefix)]


def read(deployment: Deployment, key: str) -> bytes:
    with translate_aws_errors(f"object {key}"):
        return bytes(
            deployment.client("s3").get_object(Bucket=deployment.names.artefact_bucket, Key=key)["Body"].read()
        )


def _counts(deployment: Deployment, key: str) -> dict[str, int]:
    with translate_aws_errors(f"object {key}"):
        metadata = deployment.client("s3").head_object(Bucket=deployment.names.artefact_bucket, Key=key)["Metadata"]
    return {name: int(value) for name, value in metadata.items()}


def _errors(deployment: Deployment, run: BatchRun) -> str:
    failures: list[str] = []
    for key in _keys(deployment, errors_prefix(run.name))[:_SHOWN_ERRORS]:
        error: Any = orjson.loads(read(deployment, key))
        if isinstance(error, str):  # Step Functions may have encoded the JSON twice.
            error = orjson.loads(error)
        cause = _message(error.get("Cause", ""))
        failures.append(f"batch {key.rpartition('/')[2].removesuffix('.json')}: {error.get('Error')}: {cause}")
    return "; ".join(failures)


def _message(cause: str) -> str:
    """Return the message of a failed function from its JSON error. Return other causes unchanged."""
    with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
        return str(orjson.loads(cause)["errorMessage"])
    return cause
