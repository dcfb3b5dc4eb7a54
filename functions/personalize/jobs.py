"""Import, batch inference and segment jobs, which are executions of workflows."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from alsolike.configuration.aliases import SEGMENTS
from alsolike.configuration.arns import resource_name
from alsolike.declarations.shared_defaults import DEFAULT_RESULTS
from alsolike.recommendations.request_fields import FOR_YOU
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import StepFunctionsClient
from alsolike.runtime.errors import PersonalizeError, Unavailable
from alsolike.schema import validation
from alsolike.training.executions import execution_arn, start_execution
from alsolike.training.runs import RUNNING, SUCCEEDED, document
from functions.personalize.codes import ACTIVE, FAILED, FORGOTTEN, IN_PROGRESS, INVALID
from functions.personalize.resources import DATASET_TYPES
from functions.personalize.store import Resource, ResourceStore

_SCHEME = "s3://"
_NAME_CHARACTERS = 60
"""Maximum number of characters of a job's name in the execution name, which has at most 80 characters."""


class Jobs(abc.ABC):
    RUNNING_STATUS: ClassVar[str]
    BUCKETS_SETTING: ClassVar[str]

    def __init__(
        self,
        client: StepFunctionsClient,
        state_machine: Callable[[], str],
        *,
        buckets: Sequence[str],
        store: ResourceStore,
    ) -> None:
        self._client, self._state_machine, self._buckets, self._store = client, state_machine, buckets, store

    @abc.abstractmethod
    def _input(self, resource: Resource, name: str) -> Mapping[str, Any]: ...

    def progressed(self, resource: Resource) -> Resource:
        """Start the job's execution if it has none. Store the progress, and return the job with this progress."""
        return self._store.progressed(resource, self._progress)

    def _progress(self, resource: Resource) -> Mapping[str, str]:
        name = f"{resource.key[:_NAME_CHARACTERS]}-{resource.created_ms}"
        started = "execution" in resource.progress
        if not started:
            start_execution(self._client, self._state_machine(), self._input(resource, name), name=name)
        return {"execution": name, **self._state(name, started=started)}

    def _state(self, name: str, *, started: bool) -> Mapping[str, str]:
        try:
            with translate_aws_errors(f"execution {name}"):
                execution = self._client.describe_execution(executionArn=execution_arn(self._state_machine(), name))
        except Unavailable as error:
            if error.code == "ExecutionDoesNotExist" and started:
                return {"status": FAILED, "failureReason": FORGOTTEN}
            raise
        if execution["status"] == RUNNING:
            return {"status": self.RUNNING_STATUS}
        if execution["status"] == SUCCEEDED:
            return {"status": ACTIVE, **self._remark(document(execution.get("output")))}
        cause = str(execution.get("cause") or execution["status"])
        return {"status": FAILED, "failureReason": document(cause).get("errorMessage", cause)}

    def _remark(self, output: Mapping[str, Any]) -> Mapping[str, str]:
        """Return `failureReason` for a successful job that skipped a part of its data, otherwise {}."""
        return {}

    def _check_bucket(self, location: str, field: str) -> None:
        bucket = location.removeprefix(_SCHEME).partition("/")[0]
        if not location.startswith(_SCHEME) or bucket not in self._buckets:
            expected = f"expected {_SCHEME} and one of the buckets of the setting {self.BUCKETS_SETTING}"
            named = ", ".join(self._buckets) or "none so far"
            raise PersonalizeError(f"{field} is {validation.describe(location)}, {expected}: {named}", INVALID)


class Imports(Jobs):
    RUNNING_STATUS, BUCKETS_SETTING = IN_PROGRESS, "import_buckets"

    def check(self, request: Mapping[str, Any]) -> None:
        """Raise `PersonalizeError` for a type that cannot be imported, and for data outside the permitted buckets."""
        dataset = _dataset_type(request)
        if dataset not in DATASET_TYPES:
            expected = f"expected {', '.join(DATASET_TYPES)}"
            raise PersonalizeError(f"datasetArn ends in {dataset}, {expected}", INVALID)
        self._check_bucket(_member(request, "dataSource", "dataLocation"), "dataLocation")

    def _input(self, resource: Resource, name: str) -> Mapping[str, Any]:
        location = _member(resource.request, "dataSource", "dataLocation")
        return {"job": resource.key, "dataset": _dataset_type(resource.request), "location": location}

    def _remark(self, output: Mapping[str, Any]) -> Mapping[str, str]:
        rows = output.get("rows") or {}
        if not rows.get("rejected"):
            return {}
        share = f"{rows['rejected']:,} of {rows['imported'] + rows['rejected']:,}"
        stored = f" ({rows['quarantined']:,} in quarantine)" if rows.get("quarantined") else ""
        return {"failureReason": f"{share} rows were rejected{stored}: {rows['reasons']}"}


class Batches(Jobs):
    """Batch inference and segment jobs, which share a workflow."""

    RUNNING_STATUS, BUCKETS_SETTING = "IN PROGRESS", "batch_buckets"

    def __init__(self, *arguments: Any, recommender: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._recommender = recommender

    def check(self, request: Mapping[str, Any], *, recommender: str) -> None:
        """Raise `PersonalizeError` if the job cannot run. The solution version's recipe uses `recommender`."""
        if recommender != self._recommender:
            expected = f"expected a version of a recipe {_RECIPES[self._recommender]}"
            raise PersonalizeError(f"solutionVersionArn has the recommender {recommender}, {expected}", INVALID)
        if self._recommender == SEGMENTS and request.get("filterArn") is not None:
            raise PersonalizeError("filterArn is given, expected none: filters of users are not supported", INVALID)
        source, output = (_member(request, *path) for path in (_SOURCE, _OUTPUT))
        if source.endswith("/"):
            raise PersonalizeError(f"jobInput is {validation.describe(source)}, expected one file", INVALID)
        self._check_bucket(source, "jobInput")
        self._check_bucket(output, "jobOutput")

    def _input(self, resource: Resource, name: str) -> Mapping[str, Any]:
        request = resource.request
        return {
            "run": name,
            "recommender": self._recommender,
            "numResults": request.get("numResults", DEFAULT_RESULTS),
            "filter": resource_name(request["filterArn"]) if request.get("filterArn") else None,
            "filterValues": None,
            "source": _member(request, *_SOURCE),
            "output": _member(request, *_OUTPUT),
        }


_RECIPES = {FOR_YOU: "that recommends to users", SEGMENTS: "of user segments"}
_SOURCE, _OUTPUT = ("jobInput", "s3DataSource", "path"), ("jobOutput", "s3DataDestination", "path")


def _dataset_type(request: Mapping[str, Any]) -> str:
    return resource_name(str(request["datasetArn"]))


def _member(request: Mapping[str, Any], *path: str) -> str:
    """Return the string at a path of nested members. Raise an error if it is missing or empty."""
    value: Any = request
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(value, str) or not value:
        raise PersonalizeError(f"{'.'.join(path)} is {validation.describe(value)}, expected a string", INVALID)
    return value
