"""Routes that list, show and promote model versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.api.documents import fields_of
from alsolike.api.operate_requests import CHANGE, MODELS_QUERY, PROMOTE, ROLL_BACK
from alsolike.declarations.shared_defaults import DEFAULT_LISTED_MODELS
from alsolike.registry import promotion, version_history
from alsolike.registry.bundle_files import BundleFiles, DamagedFile
from alsolike.registry.canary_report import CanaryReport
from alsolike.registry.champion_pointer import Champion, Promotion
from alsolike.registry.decision import Decision
from alsolike.registry.version_history import VersionHistory
from alsolike.registry.versions import RETIRED, ModelVersion, ModelVersions, candidates
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput
from alsolike.runtime.observability import logger
from alsolike.training.executions import execution_name
from alsolike.training.runs import TrainingRuns
from functions.operate.request import OperatorRequest

_HOW_TO_FORCE = "`force`"


class Models:
    """Model versions and actions on them.

    A change fails if the champion pointer has changed since the method read it. If the request contains the ETag of the
    pointer that the operator saw, the pointer must have this ETag.
    """

    def __init__(
        self, versions: ModelVersions, bundles: BundleFiles, runs: TrainingRuns, *, canary_share_percent: int
    ) -> None:
        self._versions, self._bundles = versions, bundles
        self._runs, self._canary_share_percent = runs, canary_share_percent

    def list(self, request: OperatorRequest) -> dict[str, Any]:
        maximum = request.query(MODELS_QUERY).get("limit", DEFAULT_LISTED_MODELS)
        champion = self._versions.registry.champion()
        versions = self._versions.latest(champion, maximum=maximum)
        damaged = self._bundles.all_damaged(champion)
        return {
            "champion": champion and champion_document(champion),
            "versions": [version_document(version, damaged.get(version.version, ())) for version in versions],
            "trialSharePercent": self._canary_share_percent,
        }

    def show(self, request: OperatorRequest) -> dict[str, Any]:
        record = version_history.version_history(self._versions, request.version)
        damaged = () if record.version.status == RETIRED else self._bundles.damaged(request.version)
        return history_document(record, damaged)

    def promote(self, request: OperatorRequest) -> dict[str, Any]:
        """Promote a version, or start its canary. Return the champion pointer, or the ID of the canary's run."""
        version, body = request.version, request.body(PROMOTE)
        expected, reason = self._seen(body), request.signed(body["reason"])
        force = reason if body.get("force") else None
        if not body.get("canary"):
            champion = promotion.promote(
                self._versions,
                version,
                expected=expected,
                reason=reason,
                force=force,
                how_to_force=_HOW_TO_FORCE,
                now_ms=request.now_ms,
            )
            request.note("promote", version=version, forced=force is not None)
            warnings = promotion.approve(self._versions, version, reason=reason)
            if warnings:
                logger.warning("package not approved", version=version)
            return {"champion": champion_document(champion), "runId": None, "warnings": list(warnings)}
        if self._canary_share_percent == 0:  # The workflow would promote the version immediately.
            raise InvalidInput(
                "canary: canaries are off in this deployment, the setting `canary_share_percent` is 0; expected it "
                "above 0, or a promotion without `canary`"
            )
        self._runs.check_idle()
        execution_arn = promotion.start_canary(
            self._versions,
            self._runs,
            version,
            champion=expected,
            reason=reason,
            force=force,
            how_to_force=_HOW_TO_FORCE,
        )
        request.note("try", version=version, forced=force is not None, execution_arn=execution_arn)
        return {"champion": None, "runId": execution_name(execution_arn), "warnings": []}

    def roll_back(self, request: OperatorRequest) -> dict[str, Any]:
        """Promote the previous champion, end a canary, or do both. Return the champion pointer."""
        body = request.body(ROLL_BACK)
        ends_canary, takes_champion = body.get("canary", False), body.get("champion", False)
        if ends_canary and takes_champion:
            raise InvalidInput(
                "canary and champion are both true, expected one: canary keeps the champion, champion rolls it back"
            )
        expected, reason = self._seen(body), request.signed(body["reason"])
        if ends_canary:
            champion = promotion.end_canary(self._versions, expected, reason=reason)
        else:
            if expected is not None and expected.canary is not None and not takes_champion:
                raise InvalidInput(
                    f"model version {expected.canary.version!r} is the canary: `canary` ends it, and "
                    f"{expected.version!r} stays champion; `champion` ends it and rolls {expected.version!r} back too"
                )
            champion = self._versions.registry.roll_back(
                reason=reason, now_ms=request.now_ms, with_canary=takes_champion, expected=expected
            )
        request.note("end trial" if ends_canary else "roll back", version=champion.version)
        return champion_document(champion)

    def resume(self, request: OperatorRequest) -> dict[str, Any]:
        """Allow automatic promotions again. Return the champion pointer."""
        champion = promotion.resume(self._versions, self._seen(request.body(CHANGE)))
        request.note("resume", version=champion.version)
        return champion_document(champion)

    def pin(self, request: OperatorRequest) -> dict[str, Any]:
        return self._pin(request, pinned=True)

    def unpin(self, request: OperatorRequest) -> dict[str, Any]:
        return self._pin(request, pinned=False)

    def _pin(self, request: OperatorRequest, *, pinned: bool) -> dict[str, Any]:
        version, expected = request.version, self._seen(request.body(CHANGE))
        champion = promotion.pin(self._versions, expected, version, pinned=pinned)
        request.note("pin" if pinned else "unpin", version=version)
        return champion_document(champion)

    def _seen(self, body: Mapping[str, Any]) -> Champion | None:
        """Return the pointer, or None without a champion. Raise an error if the request contains another ETag."""
        champion = self._versions.registry.champion()
        if body.get("etag") not in (None, champion and champion.etag):
            now = f"{champion.version!r} is champion now" if champion else "there is no champion"
            raise ConcurrentUpdate(
                f"another caller changed the champion pointer since it was shown: {now}; load it again"
            )
        return champion


def champion_document(champion: Champion) -> dict[str, Any]:
    return {
        **fields_of(champion, "etag", "version", "previous"),
        "history": [{"version": entry.version, **_promotion(entry)} for entry in champion.history],
        "canary": champion.canary and fields_of(champion.canary, "version", "share", "started_ms"),
        "held": champion.held and champion.held.reason,
        "pinned": list(champion.pinned),
    }


def version_document(version: ModelVersion, damaged: Sequence[DamagedFile]) -> dict[str, Any]:
    """Return a version as the operator API returns it, with the metrics of its selected algorithm."""
    winner = version.winner
    return {
        **fields_of(version, "version", "status", "algorithm", "created_ms", "items", "pinned", "forced", "approval"),
        "damaged": [str(file) for file in damaged],
        **{name: winner and getattr(winner, name) for name in ("hr", "ndcg", "coverage")},
    }


def history_document(record: VersionHistory, damaged: Sequence[DamagedFile]) -> dict[str, Any]:
    manifest = record.manifest
    figures = candidates(manifest) if manifest else record.version.candidates
    measured = ("algorithm", "hr", "ndcg", "mrr", "coverage", "fit_s", "winner")
    return {
        "version": version_document(record.version, damaged),
        "datasetId": manifest and manifest.dataset_id,
        "lastEventMs": manifest and manifest.last_event_ms,
        "candidates": [fields_of(figure, *measured) for figure in figures],
        "decision": record.decision and _decision(record.decision),
        "canary": record.canary and _canary(record.canary),
        "promotions": [_promotion(entry) for entry in record.promotions],
    }


def _promotion(entry: Promotion) -> dict[str, Any]:
    return fields_of(entry, "promoted_ms", "reason")


def _decision(decision: Decision) -> dict[str, Any]:
    checks = [fields_of(check, "name", "passed", "figures") for check in decision.checks]
    return {**fields_of(decision, "verdict", "decided_ms", "champion", "forced"), "checks": checks}


def _canary(report: CanaryReport) -> dict[str, Any]:
    return {
        **fields_of(report, "state", "champion", "share", "started_ms", "ends_ms", "reasons"),
        "looks": [fields_of(look, "at_ms", "state", "reasons") for look in report.looks],
    }
