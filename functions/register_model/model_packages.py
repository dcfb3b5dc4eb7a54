"""SageMaker Model Registry with the metrics and lineage of versions."""

from __future__ import annotations

import re

from alsolike.bundle.manifest import Manifest
from alsolike.registry.decision import REJECTED, Decision
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import SageMakerClient
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import logger

MAX_PROPERTIES = 50
MAX_VALUE_CHARACTERS = 256
REFUSALS = frozenset({"AccessDeniedException", "ResourceLimitExceeded", "ValidationException"})
"""Error codes of SageMaker that do not fail the registration."""
FIGURES = ("ndcg", "hr", "mrr", "coverage")
_NOT_ALLOWED = re.compile(r"[^\w .:/=+\-@]")


class ModelPackages:
    def __init__(self, client: SageMakerClient, group: str) -> None:
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
    ) -> None:
        """Register a version, unless it is already registered.

        A version that the gate did not reject waits for approval. The registry is only a view for users. The bucket
        contains the decision and the files, so a version that SageMaker rejects can still be promoted. The package has
        no inference container, because Alsolike serves the version.
        """
        figures = {"Statistics": {"ContentType": "application/json", "S3Uri": decision_uri}}
        try:
            with translate_aws_errors(f"model package group {self._group}"):
                if self._is_registered(decision.version):
                    return
                self._client.create_model_package(
                    ModelPackageGroupName=self._group,
                    ModelPackageDescription=decision.version,
                    ModelApprovalStatus="Rejected" if decision.verdict == REJECTED else "PendingManualApproval",
                    ModelMetrics={"ModelQuality": figures},
                    SourceUri=source_uri,
                    SkipModelValidation="All",
                    CustomerMetadataProperties=_properties(manifest, decision, training_job_name=training_job_name),
                )
        except Unavailable as error:
            if error.code not in REFUSALS:
                raise
            logger.warning("SageMaker rejects the model package", version=decision.version, reason=str(error))

    def _is_registered(self, version: str) -> bool:
        pages = self._client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=self._group)
        return any(
            summary.get("ModelPackageDescription") == version
            for page in pages
            for summary in page["ModelPackageSummaryList"]
        )


def _properties(manifest: Manifest, decision: Decision, *, training_job_name: str) -> dict[str, str]:
    """Return lineage and hold-out metrics within SageMaker's limits of number, length and characters."""
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
        for name, value in [pair for pair in properties.items() if pair[1]][:MAX_PROPERTIES]
    }
