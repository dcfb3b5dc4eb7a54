"""Changes of training jobs, model packages and Glue jobs."""

import copy
import functools
import threading
from collections.abc import Sequence
from typing import Any, Final

from moto.core.responses import ActionResult, EmptyResult
from moto.glue.models import FakeJob, FakeJobRun
from moto.glue.responses import GlueResponse
from moto.sagemaker.exceptions import ConflictException, ResourceInUseException, ValidationError
from moto.sagemaker.models import FakeTrainingJob, SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from local_cloud.glue.request import JobRunRecord, described, job_run_request
from local_cloud.moto_changes.change import Change, Runtime, replace, wrapping
from local_cloud.training.request import TrainingRecord, training_request


def _train(runtime: Runtime) -> None:
    """moto's training jobs complete immediately without running, cannot be stopped, and accept a name twice."""
    environment = threading.local()

    @wrapping(SageMakerModelBackend, "create_training_job")
    def create_training_job(original: Any, self: Any, training_job_name: str, **parameters: Any) -> Any:
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
        runtime.start_training(request, TrainingRecord(job, changed=lambda: runtime.recorder.changed("sagemaker")))
        return job

    @wrapping(SageMakerResponse, "create_training_job")
    def create_with_environment(original_response: Any, self: Any) -> Any:
        environment.variables = self._get_param("Environment")
        return original_response(self)

    def stop_training_job(self: Any) -> Any:
        name = self._get_param("TrainingJobName")
        job = self.sagemaker_backend.describe_training_job(name)
        if job["TrainingJobStatus"] == "InProgress":
            runtime.stop_training(name)
        return ActionResult({})

    replace(SageMakerResponse, "stop_training_job", stop_training_job)


_update_model_package = SageMakerModelBackend.update_model_package


@functools.wraps(_update_model_package)
def _update_and_keep_properties(self: Any, model_package_arn: str, **parameters: Any) -> str:
    package = self.model_packages.get(self.model_package_name_mapping.get(model_package_arn, model_package_arn))
    known = {} if package is None else package.customer_metadata_properties or {}
    given = parameters.pop("customer_metadata_properties", None) or {}
    return str(
        _update_model_package(self, model_package_arn, customer_metadata_properties={**known, **given}, **parameters)
    )


def keep_package_properties(_: object = None) -> None:
    """moto deletes the properties that an update of a model package does not name.

    Repeated calls have no effect.
    """
    replace(SageMakerModelBackend, "update_model_package", _update_and_keep_properties)


def delete_packages(_: object = None) -> None:
    """moto cannot delete model packages and their groups."""

    def delete_model_package(self: Any) -> Any:
        name = self._get_param("ModelPackageName")
        arn = self.sagemaker_backend.model_package_name_mapping.get(name, name)
        if self.sagemaker_backend.model_packages.pop(arn, None) is None:
            raise ValidationError(f"ModelPackage {name} does not exist.")
        return EmptyResult()

    def delete_model_package_group(self: Any) -> Any:
        backend, name = self.sagemaker_backend, self._get_param("ModelPackageGroupName").rpartition("/")[2]
        if any(package.model_package_group_name == name for package in backend.model_packages.values()):
            raise ConflictException(f"Cannot delete ModelPackageGroup {name} because it contains ModelPackages")
        if backend.model_package_groups.pop(name, None) is None:
            raise ValidationError(f"ModelPackageGroup {name} does not exist.")
        return EmptyResult()

    replace(SageMakerResponse, "delete_model_package", delete_model_package)
    replace(SageMakerResponse, "delete_model_package_group", delete_model_package_group)


def _run_glue_jobs(runtime: Runtime) -> None:
    """moto's runs of Glue jobs advance when they are described, run nothing, and cannot be stopped."""

    @wrapping(FakeJob, "start_job_run")
    def start_job_run(original_start: Any, self: Any, *arguments: Any, **options: Any) -> str:
        run_id = str(original_start(self, *arguments, **options))
        run = next(run for run in self.job_runs if run.job_run_id == run_id)
        record = JobRunRecord(self, run, changed=lambda: runtime.recorder.changed("glue"))
        runtime.start_job_run(job_run_request(self, run), record)
        return run_id

    @wrapping(FakeJobRun, "as_dict")
    def as_dict(original_dict: Any, self: Any) -> dict[str, Any]:
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

    replace(GlueResponse, "batch_stop_job_run", batch_stop_job_run)


CHANGES: Final[Sequence[Change]] = (_train, keep_package_properties, delete_packages, _run_glue_jobs)
