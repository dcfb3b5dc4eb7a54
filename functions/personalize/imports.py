"""Import jobs as executions of the import workflow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from alsolike.contract import validation
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import PersonalizeError, Unavailable
from alsolike.training.runs import RUNNING, SUCCEEDED, document
from functions.personalize.codes import ACTIVE, FAILED, IN_PROGRESS, INVALID
from functions.personalize.resources import DATASET_TYPES
from functions.personalize.store import Resource, ResourceStore

_SCHEME = "s3://"
_NAME_CHARACTERS = 60
"""Characters of a job's name in that of its execution, which has 80 at most."""


class Imports:
    """Import jobs.

    Parameters
    ----------
    client
        A low-level Step Functions client.
    state_machine_arn
        Of the workflow.
    buckets
        The buckets that jobs may read.
    """

    def __init__(self, client: Any, state_machine_arn: str, *, buckets: Sequence[str], store: ResourceStore) -> None:
        self._client, self._arn, self._buckets, self._store = client, state_machine_arn, buckets, store

    def check(self, request: Mapping[str, Any]) -> None:
        """Raise an error for a job that cannot run.

        Raises
        ------
        PersonalizeError
            If its dataset has no files, or its data are not in one of the buckets.
        """
        location, dataset = _location(request), request["datasetArn"].rpartition("/")[2]
        if dataset not in DATASET_TYPES:
            raise PersonalizeError(f"datasetArn ends in {dataset}, expected {', '.join(DATASET_TYPES)}", INVALID)
        bucket = location.removeprefix(_SCHEME).partition("/")[0]
        if not location.startswith(_SCHEME) or bucket not in self._buckets:
            expected = f"expected {_SCHEME} and one of the buckets of the setting import_buckets"
            named = ", ".join(self._buckets) or "none so far"
            raise PersonalizeError(f"dataLocation is {validation.describe(location)}, {expected}: {named}", INVALID)

    def progressed(self, resource: Resource) -> Resource:
        """Return a job with its current progress, after the start of its execution if it has none."""
        if resource.progress.get("status") in (ACTIVE, FAILED):
            return resource
        name = f"{resource.key[:_NAME_CHARACTERS]}-{resource.created_ms}"
        if "execution" not in resource.progress:
            self._start(resource, name)
        progress = {"execution": name, **self._state(name)}
        if progress == resource.progress:
            return resource
        changed = dataclasses.replace(resource, progress=progress)
        self._store.update(changed)
        return changed

    def _start(self, resource: Resource, name: str) -> None:
        location, dataset = _location(resource.request), resource.request["datasetArn"].rpartition("/")[2]
        given = orjson.dumps({"job": resource.key, "dataset": dataset, "location": location}).decode()
        try:
            with translate_aws_errors(f"state machine {self._arn}"):
                self._client.start_execution(stateMachineArn=self._arn, name=name, input=given)
        except Unavailable as error:
            if error.code != "ExecutionAlreadyExists":
                raise

    def _state(self, name: str) -> Mapping[str, str]:
        arn = f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"
        with translate_aws_errors(f"execution {name}"):
            execution = self._client.describe_execution(executionArn=arn)
        if execution["status"] == RUNNING:
            return {"status": IN_PROGRESS}
        if execution["status"] == SUCCEEDED:
            return {"status": ACTIVE}
        cause = execution.get("cause") or execution["status"]
        return {"status": FAILED, "failureReason": document(cause).get("errorMessage", cause)}


def _location(request: Mapping[str, Any]) -> str:
    source = request.get("dataSource")
    location = source.get("dataLocation") if isinstance(source, Mapping) else None
    if not isinstance(location, str):
        raise PersonalizeError(f"dataLocation is {validation.describe(location)}, expected a string", INVALID)
    return location
