"""The SageMaker Model Registry: each version's metrics and lineage."""

from __future__ import annotations

import re
from typing import Any

from alsolike.bundle import Manifest
from alsolike.decision import Decision

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
        self,
        manifest: Manifest,
        *,
        decision: Decision,
        source_uri: str,
        decision_uri: str,
        training_job_name: str,
    ) -> str:
        """Register a version and return the package's ARN; one that is registered stays as it is.

        A version that the gate let through waits for approval: its trial decides.

        Parameters
        ----------
        source_uri
            Where the version's files are. The package has no inference container: Alsolike serves it itself.
        decision_uri
            Where the gate's figures are, which become the package's model quality.
        """
        if (known := self._find(decision.version)) is not None:
            arn: str = known["ModelPackageArn"]
            return arn
        figures = {"Statistics": {"ContentType": "application/json", "S3Uri": decision_uri}}
        answer = self._client.create_model_package(
            ModelPackageGroupName=self._group,
            ModelPackageDescription=decision.version,
            ModelApprovalStatus="PendingManualApproval" if decision.passed else "Rejected",
            ModelMetrics={"ModelQuality": figures},
            SourceUri=source_uri,
            SkipModelValidation="All",
            CustomerMetadataProperties=_properties(manifest, decision, training_job_name=training_job_name),
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


def _properties(manifest: Manifest, decision: Decision, *, training_job_name: str) -> dict[str, str]:
    """Return lineage and hold-out figures as SageMaker allows them: few, short, of few characters."""
    properties = {
        "version": decision.version,
        "algorithm": manifest.algorithm,
        "items": str(manifest.items),
        "dataset_id": manifest.dataset_id,
        "last_event_ms": str(manifest.last_event_ms),
        "code_version": manifest.code_version,
        "training_job_name": training_job_name,
        "verdict": decision.verdict,
        "compared_with": decision.champion or "",
    }
    for result in manifest.metrics.get("candidates", ()):
        for figure in FIGURES:
            if isinstance(value := result.get(figure), int | float):
                properties[f"{result.get('algorithm')}.{figure}"] = f"{value:.6f}"
    return {
        _NOT_ALLOWED.sub("-", name): _NOT_ALLOWED.sub("-", value)[:MAX_VALUE_CHARACTERS]
        for name, value in [each for each in properties.items() if each[1]][:MAX_PROPERTIES]
    }
