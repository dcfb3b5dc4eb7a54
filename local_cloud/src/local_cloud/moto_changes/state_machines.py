"""Changes of Step Functions: executions, tasks that wait, and distributed maps."""

import functools
import json
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import boto3
from botocore.config import Config
from moto.core.config import default_user_config
from moto.settings import moto_server_port
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
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
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
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local_cloud.moto_changes.change import Change, Runtime, replace, wrapping

# Metric of an execution by its final status.
_ENDINGS: Final[Mapping[str, str]] = {
    ExecutionStatus.SUCCEEDED: "ExecutionsSucceeded",
    ExecutionStatus.FAILED: "ExecutionsFailed",
    ExecutionStatus.ABORTED: "ExecutionsAborted",
    ExecutionStatus.TIMED_OUT: "ExecutionsTimedOut",
}


def _execute_state_machines(runtime: Runtime) -> None:
    """moto executes state machines only if it is configured to."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}


def _name_executions(runtime: Runtime) -> None:
    """moto gives all executions without a name the same name."""

    @wrapping(StepFunctionsParserBackend, "start_execution")
    def start_execution(
        original: Any, self: Any, state_machine_arn: str, name: str | None = None, *arguments: Any
    ) -> Any:
        return original(self, state_machine_arn, name or str(uuid.uuid4()), *arguments)


def _sign_as_the_role(runtime: Runtime) -> None:
    """moto's state machines call services without the access key of their role."""
    original = boto_client.boto_client_for

    @functools.wraps(original)
    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        key = runtime.access_key(state_credentials.role_arn, "StepFunctions")
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"http://localhost:{moto_server_port()}",
            aws_access_key_id=key,
            aws_secret_access_key=key,
            config=Config(
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                connect_timeout=TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS,
                read_timeout=TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS,
            ),
        )

    for module in list(sys.modules.values()):  # Modules that import the function have their own references.
        if vars(module).get("boto_client_for") is original:
            setattr(module, "boto_client_for", boto_client_for)  # noqa: B010


def _measure_executions(runtime: Runtime) -> None:
    """moto's state machines have no metrics for alarms."""

    @wrapping(Execution, "start")
    def measured_start(start: Any, self: Any) -> None:
        start(self)
        runtime.measure("AWS/States", "ExecutionsStarted", 1, StateMachineArn=self.state_machine.arn)

    @wrapping(BaseExecutionWorkerCommunication, "_reflect_execution_status")
    def measured_end(end: Any, self: Any) -> None:
        end(self)
        execution, arn = self.execution, self.execution.state_machine.arn
        runtime.measure("AWS/States", _ENDINGS[execution.exec_status], 1, StateMachineArn=arn)
        took_ms = (execution.stop_date - execution.start_date).total_seconds() * 1000
        runtime.measure("AWS/States", "ExecutionTime", took_ms, unit="Milliseconds", StateMachineArn=arn)


def _support_sync(initialise: Any, self: Any) -> None:
    initialise(self)
    self._supported_integration_patterns = {ResourceCondition.WaitForTaskToken, ResourceCondition.Sync}


def _wait_for_training_jobs(runtime: Runtime) -> None:
    """moto's state machines do not wait for training jobs."""

    wrapping(StateTaskServiceUnsupported, "__init__")(_support_sync)

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
        client = boto_client.boto_client_for(
            service="sagemaker", region=resource_runtime_part.region, state_credentials=state_credentials
        )

        def resolve() -> Any:
            answer = client.describe_training_job(TrainingJobName=normalised_parameters["TrainingJobName"])
            answer.pop("ResponseMetadata", None)
            job = _as_json(answer)
            if job["TrainingJobStatus"] in ("Failed", "Stopped"):
                raise _task_failed(self, env, cause=json.dumps(job))
            return job if job["TrainingJobStatus"] == "Completed" else None

        return resolve

    replace(StateTaskServiceUnsupported, "_build_sync_resolver", build_sync_resolver)
    replace(StateTaskServiceUnsupported, "_log_unsupported_warning", lambda self: None)


def _wait_for_glue_jobs(runtime: Runtime) -> None:
    """moto's state machines fail when they wait for Glue jobs, and treat a stopped run as successful."""

    wrapping(StateTaskServiceGlue, "__init__")(_support_sync)

    @wrapping(StateTaskServiceGlue, "_build_sync_resolver")
    def build_sync_resolver(build: Any, self: Any, env: Any, **options: Any) -> Callable[[], Any]:
        resolver = build(self, env=env, **options)

        def resolve() -> Any:
            run = resolver()
            if run is not None and run["JobRunState"] == "STOPPED":
                raise _task_failed(self, env, cause=json.dumps(_as_json(run)))
            return run and _as_json(run)

        return resolve


def _as_json(answer: dict[str, Any]) -> Any:
    """Return a response as Step Functions passes it to the next state, with times in milliseconds."""
    return json.loads(json.dumps(answer, default=lambda moment: int(moment.timestamp() * 1000)))


def _task_failed(task: Any, env: Any, *, cause: str) -> FailureEventException:
    failed = StatesErrorNameType.StatesTaskFailed
    details = TaskFailedEventDetails(
        resource=task._get_sfn_resource(),
        resourceType=task._get_sfn_resource_type(),
        error=failed.to_name(),
        cause=cause,
    )
    return _failure(env, failed, HistoryEventType.TaskFailed, {"taskFailedEventDetails": details})


def _failure(env: Any, error: StatesErrorNameType, kind: HistoryEventType, details: Any) -> FailureEventException:
    name = StatesErrorName(typ=error)
    return FailureEventException(FailureEvent(env=env, error_name=name, event_type=kind, event_details=details))


def _list_all_items_of_a_map(runtime: Runtime) -> None:
    """moto gives a distributed map only the first page of listed objects, with times that are not JSON."""

    def list_objects(env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
        client = ItemsInS3._get_s3_client(
            resource_runtime_part=resource_runtime_part, state_credentials=state_credentials
        )
        pages = client.get_paginator("list_objects_v2").paginate(**env.stack.pop())
        found = [entry for page in pages for entry in page.get("Contents", [])]
        # The state's output must be JSON, which has no type for times.
        env.stack.append(json.loads(json.dumps(found, default=lambda moment: int(moment.timestamp()))))

    setattr(ItemsInS3, "_handle_list_objects_v2", staticmethod(list_objects))  # noqa: B010


def _fail_maps(runtime: Runtime) -> None:
    """moto's distributed maps succeed even if all items fail."""

    @wrapping(DistributedIterationComponent, "_map_run")
    def map_run(original: Any, self: Any, env: Any, eval_input: Any) -> None:
        original(self, env, eval_input)
        items = eval_input.map_run_record.item_counter
        failed = items.failed.get() + items.timed_out.get() + items.aborted.get()
        count, percentage = eval_input.tolerated_failure_count, eval_input.tolerated_failure_percentage
        if exceeds_tolerance(failed, items.total.get(), count=count, percentage=percentage):
            exceeded = StatesErrorNameType.StatesExceedToleratedFailureThreshold
            details = MapRunFailedEventDetails(
                error=exceeded.to_name(), cause="The specified tolerated failure threshold was exceeded"
            )
            raise _failure(env, exceeded, HistoryEventType.MapRunFailed, {"mapRunFailedEventDetails": details})


def exceeds_tolerance(failed: int, total: int, *, count: float, percentage: float) -> bool:
    """Return whether more items failed than `count`, or than `percentage` of `total`.

    A limit of 0 is ignored, because moto sets omitted limits to 0. Without both limits, no item may fail.

    https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html
    """
    if not count and not percentage:
        return failed > 0
    return 0 < count < failed or 0 < percentage * total < 100 * failed


CHANGES: Final[Sequence[Change]] = (
    _execute_state_machines,
    _name_executions,
    _sign_as_the_role,
    _measure_executions,
    _wait_for_training_jobs,
    _list_all_items_of_a_map,
    _fail_maps,
    _wait_for_glue_jobs,
)
