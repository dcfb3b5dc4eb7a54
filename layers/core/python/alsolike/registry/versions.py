"""Model versions of a deployment: manifests in the artefact bucket, packages in SageMaker, and the champion pointer."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alsolike.bundle.files import MANIFEST_FILE
from alsolike.bundle.manifest import Manifest
from alsolike.registry.approvals import Approvals
from alsolike.registry.canary_report import CanaryReports
from alsolike.registry.champion_pointer import Champion
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.registry.decision import APPROVED, Decision, Decisions
from alsolike.registry.decision import REJECTED as GATE_REJECTED
from alsolike.registry.retention import ModelFiles
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client, SageMakerClient
from alsolike.runtime.errors import InvalidBundle, NotFound
from alsolike.runtime.s3 import S3Object

CHAMPION, CANARY, PREVIOUS, RETIRED, REJECTED, KEPT = "champion", "canary", "previous", "retired", "rejected", "kept"
STATUSES = (CHAMPION, CANARY, PREVIOUS, RETIRED, REJECTED, KEPT)

_FIGURES = ("algorithm", "hr", "ndcg", "mrr", "coverage", "fit_s")
_MAX_CONCURRENT_CALLS = 4
_REJECTED_PACKAGE = "Rejected"
NOT_REGISTERED = "NotRegistered"
"""Approval status of a version with files, but without a package in the SageMaker Model Registry."""


@dataclasses.dataclass(frozen=True, slots=True)
class AlgorithmFigures:
    """Metrics of an algorithm on the test set, and the validation NDCG used for selection. None if not recorded."""

    algorithm: str
    hr: float | None
    ndcg: float | None
    mrr: float | None
    coverage: float | None
    fit_s: float | None
    winner: bool
    validation_ndcg: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ModelVersion:
    """Model version with its state in the registry.

    Attributes
    ----------
    status
        `champion`, `canary`, `previous` (the target of a rollback), `rejected` (by the gate or as a canary),
        `retired` (without files) or `kept`.
    package_arn
        ARN in the SageMaker Model Registry; empty without a package.
    approval
        Approval status of the package, or `NOT_REGISTERED`.
    forced
        True if an operator overrode the gate's rejection at least once.
    """

    version: str
    status: str
    algorithm: str
    created_ms: int
    items: int
    candidates: tuple[AlgorithmFigures, ...]
    package_arn: str
    approval: str
    pinned: bool = False
    forced: bool = False

    @property
    def winner(self) -> AlgorithmFigures | None:
        return next((candidate for candidate in self.candidates if candidate.winner), None)


class ModelVersions:
    def __init__(self, s3: S3Client, sagemaker: SageMakerClient, *, bucket: str, group: str) -> None:
        self.registry = Registry(s3, bucket)
        self.files = ModelFiles(s3, bucket)
        self.decisions = Decisions(s3, bucket)
        self.canaries = CanaryReports(s3, bucket)
        self.approvals = Approvals(sagemaker, group)
        self._s3, self._sagemaker = s3, sagemaker
        self._bucket, self._group = bucket, group
        self._properties: dict[str, Mapping[str, str]] = {}
        self._final_decisions: dict[str, Decision | None] = {}

    def manifest(self, version: str) -> Manifest:
        stored = S3Object(self._s3, self._bucket, f"{model_prefix(version)}{MANIFEST_FILE}").read()
        if stored is None:
            raise _unknown(version)
        return Manifest.from_json(stored.body)

    def latest(self, champion: Champion | None, *, maximum: int) -> list[ModelVersion]:
        """Return the latest versions, latest first, and older versions that are champion, previous, canary or pinned.

        Fit times of versions with a package are None, because the package does not contain them.
        """
        stored = self._complete()
        summaries = self._summaries(stored)
        named = {champion.version, champion.previous, *champion.pinned} if champion else set()
        if champion is not None and champion.canary is not None:
            named.add(champion.canary.version)
        rest = [summary for summary in summaries[maximum:] if summary.get("ModelPackageDescription") in named]
        return self._versions([*summaries[:maximum], *rest], champion, stored)

    def all(self) -> list[ModelVersion]:
        stored = self._complete()
        versions = self._versions(self._summaries(stored), self.registry.champion(), stored)
        return [self._with_fit_times(version) for version in versions]

    def registered(self, version: str) -> ModelVersion:
        stored = self._complete()
        summaries = self._summaries(stored)
        named = [summary for summary in summaries if summary.get("ModelPackageDescription") == version]
        if not named:
            raise _unknown(version)
        (known,) = self._versions(named[:1], self.registry.champion(), stored)
        return self._with_fit_times(known)

    def _complete(self) -> Mapping[str, int]:
        """Return the time of the manifest, in epoch milliseconds, for each version with complete files."""
        return {stored.version: stored.modified_ms for stored in self.files.stored() if stored.complete}

    def _summaries(self, stored: Mapping[str, int]) -> list[Mapping[str, Any]]:
        """Return the summaries of the group's packages, latest first, without metrics.

        A version with files, but without a package has a summary with an empty ARN.
        """
        with translate_aws_errors(f"model package group {self._group}"):
            pages = self._sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=self._group)
            summaries = [summary for page in pages for summary in page["ModelPackageSummaryList"]]
        registered = {summary.get("ModelPackageDescription") for summary in summaries}
        summaries += [
            {
                "ModelPackageArn": "",
                "ModelPackageDescription": version,
                "CreationTime": dt.datetime.fromtimestamp(modified_ms / 1_000, dt.UTC),
                "ModelApprovalStatus": NOT_REGISTERED,
            }
            for version, modified_ms in stored.items()
            if version not in registered
        ]
        return sorted(
            summaries,
            key=lambda summary: (summary["CreationTime"], summary.get("ModelPackageDescription", "")),
            reverse=True,
        )

    def _versions(
        self, summaries: Iterable[Mapping[str, Any]], champion: Champion | None, complete: Collection[str]
    ) -> list[ModelVersion]:
        summaries = list(summaries)
        with (
            translate_aws_errors(f"model package group {self._group}"),
            ThreadPoolExecutor(_MAX_CONCURRENT_CALLS) as threads,
        ):
            described = list(threads.map(self._described, summaries))
            versions = [
                _version(summary, properties, champion, complete)
                for summary, properties in zip(summaries, described, strict=True)
            ]
            decisions = list(threads.map(self._decision, versions))
        return [
            dataclasses.replace(
                version,
                forced=decision is not None and decision.forced is not None,
                status=_status(version, decision),
            )
            for version, decision in zip(versions, decisions, strict=True)
        ]

    def _decision(self, version: ModelVersion) -> Decision | None:
        """Return the gate's decision, or None if it is missing or unreadable. Final decisions are cached.

        A decision is final if it approved the version, or if the version's files were deleted.
        """
        if version.version in self._final_decisions:
            return self._final_decisions[version.version]
        try:
            decision = self.decisions.get(version.version)
        except InvalidBundle:  # Other commands report the unreadable decision.
            return None
        if version.status == RETIRED or (decision is not None and decision.verdict == APPROVED):
            self._final_decisions[version.version] = decision
        return decision

    def _described(self, summary: Mapping[str, Any]) -> Mapping[str, str]:
        package_arn = summary["ModelPackageArn"]
        if not package_arn:
            version = summary["ModelPackageDescription"]
            try:
                return _properties(self.manifest(version))
            except (NotFound, InvalidBundle):  # An unreadable version must not hide the other versions of the list.
                return {"version": version, "algorithm": "", "items": "0"}
        if package_arn not in self._properties:
            package = self._sagemaker.describe_model_package(ModelPackageName=package_arn)
            self._properties[package_arn] = package["CustomerMetadataProperties"]
        return self._properties[package_arn]

    def _with_fit_times(self, version: ModelVersion) -> ModelVersion:
        """Return the version with fit times from its manifest, because packages do not contain them."""
        if version.status == RETIRED:
            return version
        try:
            fit_s = {candidate.algorithm: candidate.fit_s for candidate in candidates(self.manifest(version.version))}
        except (NotFound, InvalidBundle):
            return version
        return dataclasses.replace(
            version,
            candidates=tuple(
                dataclasses.replace(candidate, fit_s=fit_s.get(candidate.algorithm)) for candidate in version.candidates
            ),
        )


def candidates(manifest: Manifest) -> tuple[AlgorithmFigures, ...]:
    return _ranked(
        AlgorithmFigures(
            winner=entry["algorithm"] == manifest.algorithm,
            validation_ndcg=entry.get("validation_ndcg"),
            **{name: entry.get(name) for name in _FIGURES},
        )
        for entry in manifest.metrics.get("candidates", ())
    )


def _unknown(version: str) -> NotFound:
    return NotFound(f"there is no model version {version!r}; `alsolike models list` shows them")


def _version(
    summary: Mapping[str, Any], metadata: Mapping[str, str], champion: Champion | None, complete: Collection[str]
) -> ModelVersion:
    version, approval = metadata["version"], summary["ModelApprovalStatus"]
    if champion and version == champion.version:
        status = CHAMPION
    elif champion and champion.canary and version == champion.canary.version:
        status = CANARY
    elif champion and version == champion.previous:
        status = PREVIOUS
    elif version not in complete:
        status = RETIRED
    else:
        status = REJECTED if approval == _REJECTED_PACKAGE else KEPT
    return ModelVersion(
        version=version,
        status=status,
        algorithm=metadata["algorithm"],
        created_ms=round(summary["CreationTime"].timestamp() * 1000),
        items=int(metadata["items"]),
        candidates=_registered_candidates(metadata),
        package_arn=summary["ModelPackageArn"],
        approval=approval,
        pinned=champion is not None and version in champion.pinned,
    )


def _status(version: ModelVersion, decision: Decision | None) -> str:
    if version.status == KEPT and decision is not None and decision.verdict == GATE_REJECTED:
        return REJECTED
    return version.status


def _properties(manifest: Manifest) -> Mapping[str, str]:
    figures = {
        f"{entry['algorithm']}.{name}": str(entry[name])
        for entry in manifest.metrics.get("candidates", ())
        for name in _FIGURES[1:]
        if entry.get(name) is not None
    }
    return {"version": manifest.version, "algorithm": manifest.algorithm, "items": str(manifest.items), **figures}


def _registered_candidates(properties: Mapping[str, str]) -> tuple[AlgorithmFigures, ...]:
    """Return the metrics of each algorithm from a package's metadata, which has keys `<algorithm>.<figure>`."""
    figures: dict[str, dict[str, float]] = {}
    for name, value in properties.items():
        algorithm, _, figure = name.rpartition(".")
        if algorithm and figure in _FIGURES:
            figures.setdefault(algorithm, {})[figure] = float(value)
    return _ranked(
        AlgorithmFigures(
            algorithm,
            **{name: values.get(name) for name in _FIGURES[1:]},
            winner=algorithm == properties["algorithm"],
        )
        for algorithm, values in figures.items()
    )


def _ranked(figures: Iterable[AlgorithmFigures]) -> tuple[AlgorithmFigures, ...]:
    return tuple(sorted(figures, key=lambda figure: -(figure.ndcg or 0.0)))
