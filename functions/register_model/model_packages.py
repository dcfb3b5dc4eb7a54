"""The SageMaker Model Registry: each version's metrics and lineage."""

from __future__ import annotations

import re
from typing import Any

from alsolike.bundle import Manifest

MAX_PROPERTIES = 50
MAX_VALUE_CHARACTERS = 256
FIGURES = ("ndcg", "hr", "mrr", "coverage")
_NOT_ALLOWED = re.compile(r"[^\w .:/=+\-@]")


class ModelPackages:
    """One model package group.

    Parameters
    ----------
    client
        A low-level SageMaker client.
    group
        The group's name or ARN.
    """

    def __init__(self, client: Any, group: str) -> None:
        self._client = client
        self._group = group

    def register(
        self, manifest: Manifest, *, version: str, approved: bool, source_uri: str, training_job_name: str
    ) -> str:
        """Register a version and return the package's ARN; of a registered one only the approval follows.

        Parameters
        ----------
        source_uri
            Where the version's files are. The package has no inference container: Alsolike serves it itself.
        """
        status = "Approved" if approved else "Rejected"
        if (known := self._find(version)) is not None:
            arn: str = known["ModelPackageArn"]
            if known["ModelApprovalStatus"] != status:
                self._client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status)
            return arn
        answer = self._client.create_model_package(
            ModelPackageGroupName=self._group,
            ModelPackageDescription=version,
            ModelApprovalStatus=status,
            SourceUri=source_uri,
            SkipModelValidation="All",
            CustomerMetadataProperties=_properties(manifest, version=version, training_job_name=training_job_name),
        )
        arn = answer["ModelPackageArn"]
        return arn

    def _find(self, version: str) -> dict[str, Any] | None:
        pages = self._client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=self._group)
        for page in pages:
            summaries: list[dict[str, Any]] = page["ModelPackageSummaryList"]
            for summary in summaries:
                if summary.get("ModelPackageDescription") == version:
                    return summary
        return None


def _properties(manifest: Manifest, *, version: str, training_job_name: str) -> dict[str, str]:
    """Return lineage and hold-out figures as SageMaker allows them: few, short, of few characters."""
    properties = {
        "version": version,
        "algorithm": manifest.algorithm,
        "items": str(manifest.items),
        "dataset_id": manifest.dataset_id,
        "last_event_ms": str(manifest.last_event_ms),
        "code_version": manifest.code_version,
        "training_job_name": training_job_name,
    }
    for result in manifest.metrics.get("candidates", ()):
        for figure in FIGURES:
            if isinstance(value := result.get(figure), int | float):
                properties[f"{result.get('algorithm')}.{figure}"] = f"{value:.6f}"
    return {
        _NOT_ALLOWED.sub("-", name): _NOT_ALLOWED.sub("-", value)[:MAX_VALUE_CHARACTERS]
        for name, value in list(properties.items())[:MAX_PROPERTIES]
        if value
    }
