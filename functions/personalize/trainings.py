"""Training runs of solution versions and recommenders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.registry import promotion
from alsolike.registry.decision import REJECTED
from alsolike.registry.versions import ModelVersions
from alsolike.runtime.errors import (
    ConcurrentUpdate,
    InvalidBundle,
    InvalidInput,
    NotFound,
    PersonalizeError,
    Unavailable,
)
from alsolike.runtime.observability import logger
from alsolike.training.executions import execution_name
from alsolike.training.runs import BUSY, RUNNING, SUCCEEDED, TrainingRun, TrainingRuns
from functions.personalize.codes import ACTIVE, FAILED, FORGOTTEN, IN_PROGRESS, IN_USE, INVALID, PENDING
from functions.personalize.store import Resource, ResourceStore

METRICS = {
    "coverage": "coverage",
    "ndcg": "normalized_discounted_cumulative_gain_at_10",
    "mrr": "mean_reciprocal_rank_at_10",
}
"""Name in Personalize of each metric in a manifest. Metrics are evaluated on lists of ten items."""


class Trainings:
    """Solution versions as runs of the training workflow.

    A version that is created while a run is active belongs to the next run, because the active run may have read the
    lake before the data for the version arrived. All versions that wait share that run.
    """

    def __init__(self, runs: TrainingRuns, versions: ModelVersions, store: ResourceStore) -> None:
        self._runs, self._versions, self._store = runs, versions, store

    def has_model(self) -> bool:
        return self._versions.registry.champion() is not None

    def progressed(self, resource: Resource) -> Resource:
        """Start a training run if the resource needs one. Store the current progress and return the resource."""
        return self._store.progressed(resource, self._progress)

    def metrics(self, resource: Resource) -> dict[str, float]:
        """Return the metrics of the model that an active solution version trained.

        Raise `PersonalizeError` if the version is not active, or its model was deleted.
        """
        version = resource.progress.get("version")
        if version is None:
            raise PersonalizeError(f"the solution version is {resource.progress.get('status', PENDING)}", IN_USE)
        try:
            manifest = self._versions.manifest(version)
        except (NotFound, InvalidBundle) as error:
            raise PersonalizeError(f"the metrics of model {version} were deleted", IN_USE) from error
        candidates = manifest.metrics.get("candidates", ())
        winner: Mapping[str, Any] = next(
            (candidate for candidate in candidates if candidate["algorithm"] == manifest.algorithm), {}
        )
        return {name: winner[figure] for figure, name in METRICS.items() if winner.get(figure) is not None}

    def check_stored(self, resource: Resource) -> None:
        """Raise `PersonalizeError` if the model of an active solution version was deleted."""
        version = resource.progress["version"]
        try:
            self._versions.manifest(version)
        except (NotFound, InvalidBundle) as error:
            raise PersonalizeError(f"model {version} was deleted, expected a later version", INVALID) from error

    def serve(self, resource: Resource, *, reason: str, now_ms: int) -> None:
        """Make the model of an active solution version the champion, unless it already is.

        Raise `PersonalizeError` if the model was deleted or rejected by the gate.
        """
        version, champion = resource.progress["version"], self._versions.registry.champion()
        if champion is not None and champion.version == version:
            return
        try:
            promotion.promote(
                self._versions, version, expected=champion, reason=reason, force=None,
                how_to_force="`alsolike models promote --force`", now_ms=now_ms,
            )  # fmt: skip
        except (InvalidInput, NotFound) as error:
            raise PersonalizeError(str(error), INVALID) from error
        for warning in promotion.approve(self._versions, version, reason=reason):
            logger.warning(warning)

    def _progress(self, resource: Resource) -> Mapping[str, Any]:
        run = None
        if (name := resource.progress.get("execution")) is not None:
            try:
                run = self._runs.get(name)
            except Unavailable as error:
                if error.code != "ExecutionDoesNotExist":
                    raise
                return {"execution": name, "status": FAILED, "failureReason": FORGOTTEN}
        if run is None or run.decision == BUSY:
            run = self._next_run(resource)
        if run is None or run.decision == BUSY:
            return {"status": PENDING}
        return {"execution": run.name, **self._state(run)}

    def _next_run(self, resource: Resource) -> TrainingRun | None:
        """Return the first training run since the creation of the resource.

        If there is none, start one, or return None while an earlier run is active.
        """
        later = [run for run in self._runs.since(resource.created_ms) if run.trains and run.decision != BUSY]
        if later:
            return later[0]
        try:
            self._runs.check_idle()
        except ConcurrentUpdate:
            return None
        arn = self._runs.start({"trigger": "by-hand", "reason": f"{resource.kind} {resource.key} of Personalize"})
        return self._runs.get(execution_name(arn))

    def _state(self, run: TrainingRun) -> Mapping[str, Any]:
        """Return the status of a run's solution version.

        The solution version is active once the gate has decided without a rejection, before any canary.
        """
        if run.decision == REJECTED:
            return self._rejected(run)
        if run.decision is not None:
            return {"status": ACTIVE, "version": run.version}
        if run.status == RUNNING:
            return {"status": IN_PROGRESS}
        reason = run.reason if run.status != SUCCEEDED else "the run trained no model"
        return {"status": FAILED, "failureReason": reason}

    def _rejected(self, run: TrainingRun) -> Mapping[str, Any]:
        """Return the status after a rejection.

        If the champion has equally recent training data, the solution version uses the champion instead of its own
        model.
        """
        reason = f"the gate rejected model {run.version}"
        try:
            decision = self._versions.decisions.get(run.version or "")
        except InvalidBundle:
            decision = None
        if decision is None:
            return {"status": FAILED, "failureReason": reason}
        failed = [f"{check.name}: {check.figures}" for check in decision.checks if not check.passed]
        reason = f"{reason}: {'; '.join(failed)}"
        if (champion := decision.champion_of_same_data) is None:
            return {"status": FAILED, "failureReason": reason}
        served = f"model {champion} serves this solution version, because its training data are as recent"
        return {"status": ACTIVE, "version": champion, "failureReason": f"{served}; {reason}"}
