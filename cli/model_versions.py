"""The model versions of a deployment: manifests in the artefact bucket, packages in SageMaker, the champion pointer."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from alsolike import bundle, registry
from alsolike.bundle import Manifest
from alsolike.canary_report import CanaryReports
from alsolike.decision import Decisions
from alsolike.errors import InvalidBundle, NotFound
from alsolike.registry import Champion, Registry
from alsolike.retention import ModelFiles
from cli import console
from cli.aws import asking
from cli.deployment import Deployment

HOLDOUT = "Hold-out (* chosen on the validation part)"
_FIGURES = ("algorithm", "hr", "ndcg", "mrr", "coverage", "fit_s")


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """One algorithm's figures on the hold-out; None where they were not kept."""

    algorithm: str
    hr: float | None
    ndcg: float | None
    mrr: float | None
    coverage: float | None
    fit_s: float | None
    winner: bool


@dataclasses.dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version with its place in the registry.

    Attributes
    ----------
    status
        `champion`; `canary`, on trial; `previous`, what a rollback returns to; `rejected` by the gate or by its trial;
        `retired`, its files are gone; or `kept`.
    pinned
        Whether it is kept whatever its age.
    package_arn
        In the SageMaker Model Registry.
    approval
        There.
    """

    version: str
    status: str
    algorithm: str
    created_ms: int
    items: int
    candidates: tuple[Candidate, ...]
    package_arn: str
    approval: str
    pinned: bool = False

    @property
    def winner(self) -> Candidate | None:
        """Figures of the algorithm that the comparison chose."""
        return next((candidate for candidate in self.candidates if candidate.winner), None)


def pointer(deployment: Deployment) -> Registry:
    """Return the deployment's champion pointer."""
    return Registry(deployment.client("s3"), deployment.names.artefact_bucket)


def files(deployment: Deployment) -> ModelFiles:
    """Return the files of the deployment's versions."""
    return ModelFiles(deployment.client("s3"), deployment.names.artefact_bucket)


def decisions(deployment: Deployment) -> Decisions:
    """Return what the gate found of the deployment's versions."""
    return Decisions(deployment.client("s3"), deployment.names.artefact_bucket)


def canaries(deployment: Deployment) -> CanaryReports:
    """Return the reports of the deployment's canaries."""
    return CanaryReports(deployment.client("s3"), deployment.names.artefact_bucket)


def manifest(deployment: Deployment, version: str) -> Manifest:
    """Return what a version's bundle says of itself.

    Raises
    ------
    NotFound
        If there is no such version.
    Unavailable
        If S3 does not answer.
    InvalidBundle
        If the manifest is unreadable.
    """
    from botocore.exceptions import ClientError

    bucket, key = deployment.names.artefact_bucket, f"{registry.model_prefix(version)}{bundle.MANIFEST_FILE}"
    with asking(f"s3://{bucket}/{key}"):
        try:
            body = deployment.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise NotFound(f"there is no model version {version!r}; `alsolike models list` shows them") from error
            raise
    return Manifest.from_json(body)


def candidates(of: Manifest) -> tuple[Candidate, ...]:
    """Return the compared algorithms' figures, the best first."""
    return _ranked(
        Candidate(winner=entry["algorithm"] == of.algorithm, **{name: entry.get(name) for name in _FIGURES})
        for entry in of.metrics.get("candidates", ())
    )


def versions(deployment: Deployment) -> list[ModelVersion]:
    """Return every version that was registered, the latest first.

    Raises
    ------
    Unavailable
        If S3 or SageMaker does not answer.
    """
    return sorted(_registered(deployment), key=lambda version: (version.created_ms, version.version), reverse=True)


def registered(deployment: Deployment, version: str) -> ModelVersion:
    """Return one version.

    Raises
    ------
    NotFound
        If it was never registered.
    """
    for found in _registered(deployment, only=version):
        return found
    raise NotFound(f"there is no model version {version!r}; `alsolike models list` shows them")


def _registered(deployment: Deployment, *, only: str | None = None) -> Iterator[ModelVersion]:
    """Yield the registered versions, or only one; each that is yielded costs a call, as listing tells no figures."""
    champion = pointer(deployment).champion()
    complete = {stored.version for stored in files(deployment).stored() if stored.complete}
    client, group = deployment.client("sagemaker"), deployment.names.model_package_group
    with asking(f"model package group {group}"):
        for page in client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group):
            for summary in page["ModelPackageSummaryList"]:
                if only is None or summary.get("ModelPackageDescription") == only:
                    package = client.describe_model_package(ModelPackageName=summary["ModelPackageArn"])
                    version = _version(package, champion, complete)
                    yield _with_fit_times(deployment, version) if version.version in complete else version


def _with_fit_times(deployment: Deployment, version: ModelVersion) -> ModelVersion:
    """Add what the registry does not keep, as the version's bundle says it."""
    try:
        fit_s = {
            candidate.algorithm: candidate.fit_s for candidate in candidates(manifest(deployment, version.version))
        }
    except (NotFound, InvalidBundle):
        return version
    return dataclasses.replace(
        version,
        candidates=tuple(
            dataclasses.replace(candidate, fit_s=fit_s.get(candidate.algorithm)) for candidate in version.candidates
        ),
    )


def _version(package: Mapping[str, Any], champion: Champion | None, complete: Collection[str]) -> ModelVersion:
    said = package["CustomerMetadataProperties"]
    version, approval = said["version"], package["ModelApprovalStatus"]
    if champion and version == champion.version:
        status = "champion"
    elif champion and champion.canary and version == champion.canary.version:
        status = "canary"
    elif champion and version == champion.previous:
        status = "previous"
    elif version not in complete:
        status = "retired"
    else:
        status = "rejected" if approval == "Rejected" else "kept"
    return ModelVersion(
        version=version,
        status=status,
        algorithm=said["algorithm"],
        created_ms=round(package["CreationTime"].timestamp() * 1000),
        items=int(said["items"]),
        candidates=_registered_candidates(said),
        package_arn=package["ModelPackageArn"],
        approval=approval,
        pinned=champion is not None and version in champion.pinned,
    )


def _registered_candidates(properties: Mapping[str, str]) -> tuple[Candidate, ...]:
    """Read the figures that the registry keeps of each algorithm as `<algorithm>.<figure>`."""
    figures: dict[str, dict[str, float]] = {}
    for name, value in properties.items():
        algorithm, _, figure = name.rpartition(".")
        if algorithm and figure in _FIGURES:
            figures.setdefault(algorithm, {})[figure] = float(value)
    return _ranked(
        Candidate(
            algorithm,
            **{name: of.get(name) for name in _FIGURES[1:]},
            winner=algorithm == properties["algorithm"],
        )
        for algorithm, of in figures.items()
    )


def _ranked(figures: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(figures, key=lambda figure: -(figure.ndcg or 0.0)))


def print_candidates(figures: Sequence[Candidate], *, title: str = HOLDOUT) -> None:
    """Print the comparison as a table; the winner is marked."""
    rows = []
    for figure in figures:
        name = f"{figure.algorithm} *" if figure.winner else figure.algorithm
        rows.append([name, figure.hr, figure.ndcg, figure.mrr, figure.coverage, _seconds(figure.fit_s)])
    columns = ["algorithm", "HR@10", "NDCG@10", "MRR", "coverage", "fit s"]
    console.print_table(columns, rows, title=title)


def holdout_title(of: Manifest) -> str:
    """Say whom the comparison asked, and whether items that they had before counted."""
    said = ["Hold-out"]
    if (asked := of.metrics.get("asked_users")) is not None:
        said.append(f"{asked:,} users asked")
    if (seen := of.metrics.get("seen")) is not None:
        said.append(f"seen items {seen}")
    return f"{', '.join(said)} (* chosen on the validation part)"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"
