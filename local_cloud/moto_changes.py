"""Every change that is made to moto, which is pinned for this: why, what it touches, how.

moto answers the API calls of AWS faithfully and runs next to nothing. The changes let what it stores happen: functions
run, events reach their targets, training jobs train. `CHANGES` names each piece of moto that a change relies on; a
canary test knows the fingerprint of that piece and fails when another version of moto brings another one.
"""

import base64
import copy
import functools
import gzip
import json
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, cast

from moto import backends
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.config import default_user_config
from moto.core.responses import ActionResult
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.events.models import Rule
from moto.glue.models import FakeJob, FakeJobRun
from moto.glue.responses import GlueResponse
from moto.kinesis.models import Shard
from moto.logs.models import LogStream
from moto.s3.responses import S3Response
from moto.sagemaker.exceptions import ResourceInUseException
from moto.sagemaker.models import FakeTrainingJob, SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse
from moto.sns.models import Subscription
from moto.stepfunctions.parser.api import (
    ExecutionStatus,
    HistoryEventType,
    MapRunFailedEventDetails,
    TaskFailedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_eval_s3 import (
    ResourceEvalS3 as ItemsInS3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_glue import (
    StateTaskServiceGlue,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_unsupported import (
    StateTaskServiceUnsupported,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local_cloud.events.targets import Target
from local_cloud.execution.function import Outcome, ThrottledError
from local_cloud.glue.request import JobRunRecord, JobRunRequest
from local_cloud.moto_glue import MotoJobRunRecord, described, job_run_request
from local_cloud.moto_metrics import metric_data
from local_cloud.moto_training import MotoTrainingRecord, training_request
from local_cloud.telemetry.filter_patterns import read_pattern
from local_cloud.training.request import TrainingRecord, TrainingRequest

# The metric of each way in which an execution ends.
_ENDINGS: Final[Mapping[str, str]] = {
    ExecutionStatus.SUCCEEDED: "ExecutionsSucceeded",
    ExecutionStatus.FAILED: "ExecutionsFailed",
    ExecutionStatus.ABORTED: "ExecutionsAborted",
    ExecutionStatus.TIMED_OUT: "ExecutionsTimedOut",
}

# EventBridge targets that moto serves itself; all others are the runtime's.
_MOTO_TARGETS = ("archive", "api-destination")


class Runtime(Protocol):
    """What makes happen what moto only stores."""

    def invoke(self, function_arn: str, payload: bytes, /) -> Outcome:
        """Invoke a function and wait."""

    def invoke_later(self, function_arn: str, payload: bytes, /) -> None:
        """Accept an asynchronous invocation."""

    def send_event(self, target: Target, event: Mapping[str, Any], /) -> None:
        """Accept an event for a target of a rule that it matched."""

    def measure(self, namespace: str, name: str, value: float, /, *, unit: str = "Count", **dimensions: str) -> None:
        """Take a metric."""

    def start_training(self, request: TrainingRequest, record: TrainingRecord, /) -> None:
        """Start a training job in the background."""

    def stop_training(self, name: str, /) -> None:
        """Begin to stop a training job."""

    def start_job_run(self, request: JobRunRequest, record: JobRunRecord, /) -> None:
        """Start a run of a Glue job in the background."""

    def stop_job_run(self, run_id: str, /) -> None:
        """Begin to stop a run of a Glue job."""

    def stack_template(self, stack: str, /) -> str | None:
        """Return the template that a stack was deployed from; None if there is no such stack."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: its reason, the pieces of moto that it relies on (``module:qualified.name``), and its code."""

    why: str
    touches: tuple[str, ...]
    apply: Callable[[Runtime], None]


def change_moto(runtime: Runtime) -> None:
    """Apply every change to moto in this process; there is no way back."""
    for change in CHANGES:
        change.apply(runtime)


def _replace(owner: type, name: str, function: Callable[..., Any]) -> None:
    """Replace a method, or add one."""
    setattr(owner, name, function)


def _invoke_functions(runtime: Runtime) -> None:
    def invoke(
        self: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
    ) -> bytes:
        function = self.get_function(function_name, qualifier)
        name = function_name.split(":function:")[-1]
        qualifier = name.partition(":")[2] or qualifier
        arn = f"{function.function_arn.split(':function:')[0]}:function:{function.function_name}"
        arn = f"{arn}:{qualifier}" if qualifier else arn
        payload = (body.encode() if isinstance(body, str) else body) or b"{}"
        kind = headers.get("X-Amz-Invocation-Type") or headers.get("x-amz-invocation-type")
        if kind == "DryRun":
            return b""
        if kind == "Event":
            runtime.invoke_later(arn, payload)
            return b""
        try:
            outcome = runtime.invoke(arn, payload)
        except ThrottledError as error:
            throttled = LambdaClientError("TooManyRequestsException", str(error))
            throttled.code = 429
            raise throttled from error
        if outcome.error is not None:
            response_headers["x-amz-function-error"] = outcome.error
        response_headers["x-amz-executed-version"] = outcome.executed_version
        return outcome.payload

    def invoke_from_service(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        runtime.invoke_later(self.function_arn, body.encode() if isinstance(body, str) else body)
        return b""

    _replace(LambdaBackend, "invoke", invoke)
    _replace(LambdaFunction, "invoke", invoke_from_service)


def _read_qualifier(runtime: Runtime) -> None:
    original = LambdaResponse._get_param

    @functools.wraps(original)
    def get_param(self: Any, name: str, *arguments: Any, **options: Any) -> Any:
        if name == "qualifier":
            return self.querystring.get("Qualifier", [None])[0]
        return original(self, name, *arguments, **options)

    _replace(LambdaResponse, "_get_param", get_param)


def _detach_event_sources(runtime: Runtime) -> None:
    original = LambdaBackend.create_event_source_mapping

    @functools.wraps(original)
    def create(self: Any, spec: dict[str, Any]) -> Any:
        from moto.dynamodb.models import dynamodb_backends
        from moto.kinesis.models import kinesis_backends
        from moto.sqs.models import sqs_backends

        mapping = original(self, spec)
        account, region = self.account_id, self.region_name
        owners: tuple[Any, ...] = (
            *kinesis_backends[account][region].streams.values(),
            *sqs_backends[account][region].queues.values(),
            *dynamodb_backends[account][region].tables.values(),
        )
        for owner in owners:
            owner.lambda_event_source_mappings.clear()
        return mapping

    _replace(LambdaBackend, "create_event_source_mapping", create)


def _notify_functions(runtime: Runtime) -> None:
    original = Subscription.publish

    @functools.wraps(original)
    def publish(
        self: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        matcher = self._filter_policy_matcher
        if self.protocol != "lambda":
            original(self, message, message_id, subject, message_attributes, **options)
        elif matcher is None or matcher.matches(message_attributes, message):
            attributes = {
                name: {"Type": value["Type"], "Value": value["Value"]}
                for name, value in (message_attributes or {}).items()
            }
            if options.get("message_structure") == "json":
                message = self._parse_message_structure(message, self.protocol)
            notification = {
                "Type": "Notification",
                "MessageId": message_id,
                "TopicArn": self.topic.arn,
                "Subject": subject,
                "Message": message,
                "Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
                "SignatureVersion": "1",
                "MessageAttributes": attributes,
            }
            record = {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": self.arn,
                "Sns": notification,
            }
            runtime.invoke_later(self.endpoint, json.dumps({"Records": [record]}).encode())

    _replace(Subscription, "publish", publish)


def _filter_subscriptions(runtime: Runtime) -> None:
    original = LogStream._send_log_events

    @functools.wraps(original)
    def send(self: Any, service: str, destination_arn: str, filter_name: str, log_events: list[dict[str, Any]]) -> None:
        matches = read_pattern(self.log_group.subscription_filters[filter_name].filter_pattern)
        wanted = [{**event, "id": f"{event['id']:056d}"} for event in log_events if matches(event["message"])]
        if not wanted:
            return
        if service != "lambda":
            original(self, service, destination_arn, filter_name, wanted)
            return
        delivery = {
            "messageType": "DATA_MESSAGE",
            "owner": self.account_id,
            "logGroup": self.log_group.name,
            "logStream": self.log_stream_name,
            "subscriptionFilters": [filter_name],
            "logEvents": wanted,
        }
        data = base64.b64encode(gzip.compress(json.dumps(delivery).encode())).decode()
        runtime.invoke_later(destination_arn, json.dumps({"awslogs": {"data": data}}).encode())

    _replace(LogStream, "_send_log_events", send)


def _store_composite_alarms(runtime: Runtime) -> None:
    _replace(CloudWatchResponse, "put_composite_alarm", CloudWatchResponse.put_metric_alarm)


def read_metric_data(_: Runtime | None = None) -> None:
    """Answer queries for single metrics as CloudWatch does."""
    original = CloudWatchBackend.get_metric_data

    @functools.wraps(original)
    def get_metric_data(
        self: Any, queries: list[dict[str, Any]], start_time: datetime, end_time: datetime, scan_by: str
    ) -> list[dict[str, Any]]:
        if start_time >= end_time or any("MetricStat" not in query for query in queries):
            return original(self, queries, start_time, end_time, scan_by)
        return metric_data(tuple(self.metric_data), queries, start=start_time, end=end_time, scan_by=scan_by)

    _replace(CloudWatchBackend, "get_metric_data", get_metric_data)


def _show_templates(runtime: Runtime) -> None:
    original = CloudFormationBackend.get_template

    @functools.wraps(original)
    def get_template(self: Any, name_or_stack_id: str) -> Any:
        return runtime.stack_template(name_or_stack_id) or original(self, name_or_stack_id)

    _replace(CloudFormationBackend, "get_template", get_template)


def _reach_targets(runtime: Runtime) -> None:
    original = Rule.send_to_targets

    @functools.wraps(original)
    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        pattern = self.event_pattern
        if self.state == "DISABLED" or not pattern.get_pattern() or not pattern.matches_event(original_event):
            return
        event = {name: value for name, value in original_event.items() if name != "ingestion-time"}
        event |= {"id": str(uuid.uuid4()), "time": _iso(event.get("time"))}
        left = []
        for target in self.targets:
            service, kind = target["Arn"].split(":")[2], target["Arn"].split(":")[5].split("/")[0]
            if service == "events" and (kind in _MOTO_TARGETS or not kind):
                left.append(target)
            else:
                runtime.send_event(Target(self.arn, target), event)
        if left:
            rule = copy.copy(self)
            rule.targets = left
            original(rule, original_event, transform_input)

    _replace(Rule, "send_to_targets", send_to_targets)


def _iso(moment: Any) -> str:
    if isinstance(moment, str) and not moment.replace(".", "").isdigit():
        return moment
    return f"{datetime.fromtimestamp(float(moment or datetime.now(UTC).timestamp()), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _query_one_partition(runtime: Runtime) -> None:
    original = Table.query

    @functools.wraps(original)
    def query(self: Any, hash_key: Any, *arguments: Any, **options: Any) -> Any:
        if hash_key is None or options.get("index_name"):
            return original(self, hash_key, *arguments, **options)
        narrow: Any = copy.copy(self)
        narrow.items = {hash_key: self.items[hash_key]} if hash_key in self.items else {}
        return original(narrow, hash_key, *arguments, **options)

    _replace(Table, "query", query)


_ITEM_WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")
_OBJECT_WRITES = ("put_object", "delete_object")


def _write_items_one_by_one(runtime: Runtime) -> None:
    _one_by_one(DynamoDBBackend, _ITEM_WRITES)


def _write_objects_one_by_one(runtime: Runtime) -> None:
    _one_by_one(S3Response, _OBJECT_WRITES)


def _one_by_one(owner: type, names: Sequence[str]) -> None:
    """Let only one thread at a time into any of some methods."""
    lock = threading.RLock()

    def guarded(write: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(write)
        def locked(*arguments: Any, **options: Any) -> Any:
            with lock:
                return write(*arguments, **options)

        return locked

    for name in names:
        _replace(owner, name, guarded(getattr(owner, name)))


def _list_services_once(runtime: Runtime) -> None:
    names = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: names


def _keep_every_stream_record(runtime: Runtime) -> None:
    lock = threading.Lock()
    original = Shard.put_record

    @functools.wraps(original)
    def put_record(self: Any, partition_key: str, data: str, explicit_hash_key: str) -> str:
        with lock:
            return str(original(self, partition_key, data, explicit_hash_key))

    def get_records(self: Any, last_sequence_id: str, limit: int | None) -> tuple[list[Any], int, int]:
        with lock:
            position, newest = int(last_sequence_id), self.get_max_sequence_number()
            records: list[Any] = []
            while position < newest and len(records) != limit:
                position += 1
                records.append(self.records[position])
            behind_s = self.records[newest].created_at - records[-1].created_at if records else 0
            return records, position, int(behind_s * 1000)

    def get_max_sequence_number(self: Any) -> int:
        return len(self.records)

    _replace(Shard, "put_record", put_record)
    _replace(Shard, "get_records", get_records)
    _replace(Shard, "get_max_sequence_number", get_max_sequence_number)


def _execute_state_machines(runtime: Runtime) -> None:
    default_user_config["stepfunctions"] = {"execute_state_machine": True}


def _name_executions(runtime: Runtime) -> None:
    original = StepFunctionsParserBackend.start_execution

    @functools.wraps(original)
    def start_execution(self: Any, state_machine_arn: str, name: str | None = None, *arguments: Any) -> Any:
        return original(self, state_machine_arn, name or str(uuid.uuid4()), *arguments)

    _replace(StepFunctionsParserBackend, "start_execution", start_execution)


def _measure_executions(runtime: Runtime) -> None:
    start: Any = Execution.start
    end: Any = BaseExecutionWorkerCommunication._reflect_execution_status

    @functools.wraps(start)
    def measured_start(self: Any) -> None:
        start(self)
        runtime.measure("AWS/States", "ExecutionsStarted", 1, StateMachineArn=self.state_machine.arn)

    @functools.wraps(end)
    def measured_end(self: Any) -> None:
        end(self)
        execution, arn = self.execution, self.execution.state_machine.arn
        runtime.measure("AWS/States", _ENDINGS[execution.exec_status], 1, StateMachineArn=arn)
        took_ms = (execution.stop_date - execution.start_date).total_seconds() * 1000
        runtime.measure("AWS/States", "ExecutionTime", took_ms, unit="Milliseconds", StateMachineArn=arn)

    _replace(Execution, "start", measured_start)
    _replace(BaseExecutionWorkerCommunication, "_reflect_execution_status", measured_end)


def _wait_for_training_jobs(runtime: Runtime) -> None:
    initialise: Any = StateTaskServiceUnsupported.__init__

    def __init__(self: Any) -> None:  # noqa: N807  it replaces a constructor
        initialise(self)
        self._supported_integration_patterns = {ResourceCondition.WaitForTaskToken, ResourceCondition.Sync}

    def build_sync_resolver(
        self: Any,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> Callable[[], Any]:
        service, action = self._get_boto_service_name(), self._get_boto_service_action()
        if (service, action) != ("sagemaker", "create_training_job"):
            raise RuntimeError(f"{self.resource.resource_arn} is not implemented here")
        env.stack.pop()
        client = boto_client_for(service="sagemaker", region=resource_runtime_part.region)

        def resolve() -> Any:
            answer = client.describe_training_job(TrainingJobName=normalised_parameters["TrainingJobName"])
            answer.pop("ResponseMetadata", None)
            job = _as_json(answer)
            if job["TrainingJobStatus"] in ("Failed", "Stopped"):
                raise _task_failed(self, env, cause=json.dumps(job))
            return job if job["TrainingJobStatus"] == "Completed" else None

        return resolve

    _replace(StateTaskServiceUnsupported, "__init__", __init__)
    _replace(StateTaskServiceUnsupported, "_build_sync_resolver", build_sync_resolver)
    _replace(StateTaskServiceUnsupported, "_log_unsupported_warning", lambda self: None)


def _wait_for_glue_jobs(runtime: Runtime) -> None:
    initialise: Any = StateTaskServiceGlue.__init__
    build: Any = StateTaskServiceGlue._build_sync_resolver

    def __init__(self: Any) -> None:  # noqa: N807  it replaces a constructor
        initialise(self)
        self._supported_integration_patterns = {ResourceCondition.WaitForTaskToken, ResourceCondition.Sync}

    def build_sync_resolver(self: Any, env: Any, **options: Any) -> Callable[[], Any]:
        resolver = build(self, env=env, **options)

        def resolve() -> Any:
            run = resolver()
            if run is not None and run["JobRunState"] == "STOPPED":
                raise _task_failed(self, env, cause=json.dumps(_as_json(run)))
            return run and _as_json(run)

        return resolve

    _replace(StateTaskServiceGlue, "__init__", __init__)
    _replace(StateTaskServiceGlue, "_build_sync_resolver", build_sync_resolver)


def _as_json(answer: dict[str, Any]) -> Any:
    """Return an answer as Step Functions hands it on: moments are milliseconds."""
    return json.loads(json.dumps(answer, default=lambda moment: int(moment.timestamp() * 1000)))


def _task_failed(task: Any, env: Any, *, cause: str) -> FailureEventException:
    failed = StatesErrorNameType.StatesTaskFailed
    details = TaskFailedEventDetails(
        resource=task._get_sfn_resource(),
        resourceType=task._get_sfn_resource_type(),
        error=failed.to_name(),
        cause=cause,
    )
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=failed),
            event_type=HistoryEventType.TaskFailed,
            event_details=cast(EventDetails, {"taskFailedEventDetails": details}),
        )
    )


def _list_all_items_of_a_map(runtime: Runtime) -> None:
    def list_objects(env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
        client = ItemsInS3._get_s3_client(
            resource_runtime_part=resource_runtime_part, state_credentials=state_credentials
        )
        pages = client.get_paginator("list_objects_v2").paginate(**env.stack.pop())
        found = [entry for page in pages for entry in page.get("Contents", [])]
        # They become JSON, which has no moments.
        env.stack.append(json.loads(json.dumps(found, default=lambda moment: int(moment.timestamp()))))

    setattr(ItemsInS3, "_handle_list_objects_v2", staticmethod(list_objects))  # noqa: B010


def _fail_maps(runtime: Runtime) -> None:
    original: Any = DistributedIterationComponent._map_run

    @functools.wraps(original)
    def map_run(self: Any, env: Any, eval_input: Any) -> None:
        original(self, env, eval_input)
        items = eval_input.map_run_record.item_counter
        failed = items.failed.get() + items.timed_out.get() + items.aborted.get()
        percent = 100 * failed / max(items.total.get(), 1)
        if failed > eval_input.tolerated_failure_count and percent > eval_input.tolerated_failure_percentage:
            raise _map_failed(env)

    _replace(DistributedIterationComponent, "_map_run", map_run)


def _map_failed(env: Any) -> FailureEventException:
    exceeded = StatesErrorNameType.StatesExceedToleratedFailureThreshold
    details = MapRunFailedEventDetails(
        error=exceeded.to_name(), cause="The specified tolerated failure threshold was exceeded"
    )
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=exceeded),
            event_type=HistoryEventType.MapRunFailed,
            event_details=cast(EventDetails, {"mapRunFailedEventDetails": details}),
        )
    )


def _train(runtime: Runtime) -> None:
    original = SageMakerModelBackend.create_training_job
    original_response = SageMakerResponse.create_training_job
    environment = threading.local()

    @functools.wraps(original)
    def create_training_job(self: Any, training_job_name: str, **parameters: Any) -> Any:
        arn = FakeTrainingJob.arn_formatter(training_job_name, self.account_id, self.region_name)
        if training_job_name in self.training_jobs:
            raise ResourceInUseException(
                f"Training job names must be unique within an AWS account and region, and a training job with this "
                f"name already exists ({arn})"
            )
        specification = copy.deepcopy(parameters["algorithm_specification"] or {})
        job = original(self, training_job_name, **parameters)
        job.algorithm_specification = specification
        request = training_request(job, getattr(environment, "variables", None) or {})
        runtime.start_training(request, MotoTrainingRecord(job))
        return job

    @functools.wraps(original_response)
    def create_with_environment(self: Any) -> Any:
        environment.variables = self._get_param("Environment")
        return original_response(self)

    def stop_training_job(self: Any) -> Any:
        name = self._get_param("TrainingJobName")
        job = self.sagemaker_backend.describe_training_job(name)
        if job["TrainingJobStatus"] == "InProgress":
            runtime.stop_training(name)
        return ActionResult({})

    _replace(SageMakerModelBackend, "create_training_job", create_training_job)
    _replace(SageMakerResponse, "create_training_job", create_with_environment)
    _replace(SageMakerResponse, "stop_training_job", stop_training_job)


def keep_package_properties(_: Runtime | None = None) -> None:
    """Let an update of a model package that does not name its properties leave them."""
    original = SageMakerModelBackend.update_model_package

    @functools.wraps(original)
    def update_model_package(self: Any, model_package_arn: str, **parameters: Any) -> str:
        package = self.model_packages.get(self.model_package_name_mapping.get(model_package_arn, model_package_arn))
        known = {} if package is None else package.customer_metadata_properties or {}
        given = parameters.pop("customer_metadata_properties", None) or {}
        return original(self, model_package_arn, customer_metadata_properties={**known, **given}, **parameters)

    _replace(SageMakerModelBackend, "update_model_package", update_model_package)


def _run_glue_jobs(runtime: Runtime) -> None:
    original_start = FakeJob.start_job_run
    original_dict = FakeJobRun.as_dict

    @functools.wraps(original_start)
    def start_job_run(self: Any, *arguments: Any, **options: Any) -> str:
        run_id = str(original_start(self, *arguments, **options))
        run = next(run for run in self.job_runs if run.job_run_id == run_id)
        record = MotoJobRunRecord(self, run)
        runtime.start_job_run(job_run_request(self, run), record)
        return run_id

    @functools.wraps(original_dict)
    def as_dict(self: Any) -> dict[str, Any]:
        return described(self, original_dict(self))

    def batch_stop_job_run(self: Any) -> Any:
        name = self._get_param("JobName")
        stopped, errors = [], []
        for run_id in self._get_param("JobRunIds"):
            run = self.glue_backend.get_job_run(name, run_id)
            if run.status in ("STARTING", "RUNNING"):
                run.status = "STOPPING"
                runtime.stop_job_run(run_id)
                stopped.append({"JobName": name, "JobRunId": run_id})
            else:
                detail = {"ErrorCode": "InvalidInputException", "ErrorMessage": f"{run_id} is {run.status}"}
                errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
        return ActionResult({"SuccessfulSubmissions": stopped, "Errors": errors})

    _replace(FakeJob, "start_job_run", start_job_run)
    _replace(FakeJobRun, "as_dict", as_dict)
    _replace(GlueResponse, "batch_stop_job_run", batch_stop_job_run)


_STATE_MAP = "moto.stepfunctions.parser.asl.component.state.exec.state_map"

CHANGES: Final[tuple[Change, ...]] = (
    Change(
        "moto runs functions in Docker and knows neither asynchronous invocations nor throttling",
        ("moto.awslambda.models:LambdaBackend.invoke", "moto.awslambda.models:LambdaFunction.invoke"),
        _invoke_functions,
    ),
    Change(
        "moto looks for the Qualifier of Invoke under another name, and so ignores it",
        ("moto.awslambda.responses:LambdaResponse.invoke",),
        _read_qualifier,
    ),
    Change(
        "moto invokes functions of event source mappings within the put, one record at a time; pollers do it here",
        (
            "moto.awslambda.models:LambdaBackend.create_event_source_mapping",
            "moto.kinesis.models:Stream.put_record",
            "moto.dynamodb.models.table:StreamShard.add",
        ),
        _detach_event_sources,
    ),
    Change(
        "moto tells a function that a topic notifies neither the topic nor the attributes",
        ("moto.sns.models:Subscription.publish",),
        _notify_functions,
    ),
    Change(
        "moto gives subscriptions of a log every line, whatever their pattern, and forgets which alias they invoke",
        ("moto.logs.models:LogStream._send_log_events", "moto.logs.models:LogStream.put_log_events"),
        _filter_subscriptions,
    ),
    Change(
        "moto raises for most targets of rules, and matches every event with a rule that has only a schedule",
        ("moto.events.models:Rule.send_to_targets", "moto.events.models:EventPattern.matches_event"),
        _reach_targets,
    ),
    Change(
        "moto reads the whole table for each Query",
        ("moto.dynamodb.models.table:Table.query",),
        _query_one_partition,
    ),
    Change(
        "moto checks a condition and writes in two steps, so that two conditional writes can both succeed",
        tuple(f"moto.dynamodb.models:DynamoDBBackend.{name}" for name in _ITEM_WRITES),
        _write_items_one_by_one,
    ),
    Change(
        "so does moto's S3, and of two conditional puts of an object both can succeed",
        tuple(f"moto.s3.responses:S3Response.{name}" for name in _OBJECT_WRITES),
        _write_objects_one_by_one,
    ),
    Change(
        "moto lists its own directory for each request, while all others wait",
        ("moto.backends:list_of_moto_modules",),
        _list_services_once,
    ),
    Change(
        "moto loses records that are put at the same time, and reads a shard from its beginning each time",
        (
            "moto.kinesis.models:Shard.put_record",
            "moto.kinesis.models:Shard.get_records",
            "moto.kinesis.models:Shard.get_max_sequence_number",
        ),
        _keep_every_stream_record,
    ),
    Change(
        "moto executes state machines only when told to",
        ("moto.stepfunctions.responses:get_backend",),
        _execute_state_machines,
    ),
    Change(
        "moto can store composite alarms, and has no operation for it",
        ("moto.cloudwatch.responses:CloudWatchResponse.put_metric_alarm",),
        _store_composite_alarms,
    ),
    Change(
        "moto has no percentiles, takes metrics of one name in two namespaces for one, and reads all for each period",
        ("moto.cloudwatch.models:CloudWatchBackend.get_metric_data",),
        read_metric_data,
    ),
    Change(
        "moto knows no stacks that were deployed here",
        ("moto.cloudformation.models:CloudFormationBackend.get_template",),
        _show_templates,
    ),
    Change(
        "moto gives all executions that are started without a name the same one",
        ("moto.stepfunctions.parser.models:StepFunctionsParserBackend.start_execution",),
        _name_executions,
    ),
    Change(
        "moto's state machines have no metrics, which alarms look at",
        (
            "moto.stepfunctions.parser.backend.execution:Execution.start",
            "moto.stepfunctions.parser.backend.execution:BaseExecutionWorkerCommunication._reflect_execution_status",
        ),
        _measure_executions,
    ),
    Change(
        "moto's state machines do not wait for training jobs",
        (
            "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_unsupported"
            ":StateTaskServiceUnsupported",
            "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback"
            ":StateTaskServiceCallback._eval_integration_pattern",
        ),
        _wait_for_training_jobs,
    ),
    Change(
        "moto gives a distributed map the first page of the objects that it lists, and moments that are no JSON",
        (f"{_STATE_MAP}.item_reader.eval.resource_eval_s3:ResourceEvalS3",),
        _list_all_items_of_a_map,
    ),
    Change(
        "moto's distributed maps succeed however many of their items fail",
        (
            f"{_STATE_MAP}.iteration.distributed_iteration_component:DistributedIterationComponent._map_run",
            f"{_STATE_MAP}.iteration.itemprocessor.distributed_item_processor_worker"
            ":DistributedItemProcessorWorker._eval_job",
        ),
        _fail_maps,
    ),
    Change(
        "moto's training jobs complete at once without running, cannot be stopped, and take the same name twice",
        (
            "moto.sagemaker.models:SageMakerModelBackend.create_training_job",
            "moto.sagemaker.models:FakeTrainingJob.__init__",
            "moto.sagemaker.responses:SageMakerResponse.create_training_job",
        ),
        _train,
    ),
    Change(
        "moto forgets the properties of a model package with any update of something else",
        ("moto.sagemaker.models:SageMakerModelBackend.update_model_package",),
        keep_package_properties,
    ),
    Change(
        "moto's state machines break when they wait for Glue jobs, and take a stopped run for one that succeeded",
        (
            "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_glue"
            ":StateTaskServiceGlue",
        ),
        _wait_for_glue_jobs,
    ),
    Change(
        "moto's runs of Glue jobs go on by being looked at, run nothing, and cannot be stopped",
        (
            "moto.glue.models:FakeJob.start_job_run",
            "moto.glue.models:FakeJobRun.__init__",
            "moto.glue.models:FakeJobRun.as_dict",
            "moto.moto_api._internal.managed_state_model:ManagedState",
        ),
        _run_glue_jobs,
    ),
)
"""In the order in which they are applied."""
