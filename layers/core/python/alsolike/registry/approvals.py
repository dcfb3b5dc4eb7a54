"""Approval status of model packages in the SageMaker Model Registry."""

from __future__ import annotations

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import SageMakerClient

APPROVED, REJECTED = "Approved", "Rejected"
MAX_DESCRIPTION = 1_024


class Approvals:
    def __init__(self, client: SageMakerClient, group: str) -> None:
        self._client, self._group = client, group

    def decide(self, version: str, status: str, *, reason: str) -> None:
        """Set the approval status of a version's package. An unregistered version is ignored."""
        with translate_aws_errors(f"model package group {self._group}"):
            pages = self._client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=self._group)
            for summary in (summary for page in pages for summary in page["ModelPackageSummaryList"]):
                if summary.get("ModelPackageDescription") == version and summary["ModelApprovalStatus"] != status:
                    self._client.update_model_package(
                        ModelPackageArn=summary["ModelPackageArn"],
                        ModelApprovalStatus=status,
                        ApprovalDescription=reason[:MAX_DESCRIPTION],
                    )
