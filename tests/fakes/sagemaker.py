"""SageMaker's model registry in memory."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.fakes.service import ACCOUNT_ID, REGION, MemoryService, Request, Response, ServiceError, operation, page

_PREFIX = f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}"
_SUMMARY = (
    "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "ModelPackageDescription", "CreationTime",
    "ModelPackageStatus", "ModelApprovalStatus",
)  # fmt: skip


class MemorySageMaker(MemoryService):
    def __init__(self) -> None:
        self._groups: dict[str, list[dict[str, Any]]] = {}

    @operation("ModelPackageGroupName", "ModelPackageGroupDescription")
    def create_model_package_group(self, request: Request) -> Response:
        name = request["ModelPackageGroupName"]
        if name in self._groups:
            raise ServiceError("ValidationException", f"Model Package Group already exists: {name}")
        self._groups[name] = []
        return {"ModelPackageGroupArn": f"{_PREFIX}:model-package-group/{name}"}

    @operation(
        "ModelPackageGroupName", "ModelPackageDescription", "ModelApprovalStatus", "ModelMetrics", "SourceUri",
        "SkipModelValidation", "CustomerMetadataProperties", "ClientToken",
    )  # fmt: skip
    def create_model_package(self, request: Request) -> Response:
        packages = self._packages(request)
        version = len(packages) + 1
        arn = f"{_PREFIX}:model-package/{request['ModelPackageGroupName']}/{version}"
        packages.append(
            {
                "ModelPackageArn": arn,
                "ModelPackageVersion": version,
                "CreationTime": dt.datetime.now(dt.UTC),
                "ModelPackageStatus": "Completed",
                "ModelApprovalStatus": "PendingManualApproval",
                **request,
            }
        )
        return {"ModelPackageArn": arn}

    @operation("ModelPackageGroupName", "MaxResults", "NextToken")
    def list_model_packages(self, request: Request) -> Response:
        shown, rest = page(self._packages(request), request)
        return {"ModelPackageSummaryList": [{k: one[k] for k in _SUMMARY if k in one} for one in shown], **rest}

    @operation("ModelPackageName")
    def describe_model_package(self, request: Request) -> Response:
        return dict(self._package(request["ModelPackageName"]))

    @operation("ModelPackageArn", "ModelApprovalStatus", "ApprovalDescription", "CustomerMetadataProperties")
    def update_model_package(self, request: Request) -> Response:
        package = self._package(request["ModelPackageArn"])
        properties = {**package.get("CustomerMetadataProperties", {}), **request.get("CustomerMetadataProperties", {})}
        package.update(request, CustomerMetadataProperties=properties)
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def _packages(self, request: Request) -> list[dict[str, Any]]:
        name = request["ModelPackageGroupName"]
        if name not in self._groups:
            raise ServiceError("ValidationException", f"Model Package Group {name} does not exist.")
        return self._groups[name]

    def _package(self, arn: str) -> dict[str, Any]:
        for package in (one for packages in self._groups.values() for one in packages):
            if package["ModelPackageArn"] == arn:
                return package
        raise ServiceError("ValidationException", f"ModelPackage {arn} does not exist.")
