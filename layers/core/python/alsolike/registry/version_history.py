"""Record of a model version: manifest, decision, canary and latest promotions."""

from __future__ import annotations

import dataclasses
from typing import Any

from alsolike.bundle.manifest import Manifest
from alsolike.registry.canary_report import CanaryReport
from alsolike.registry.champion_pointer import Promotion
from alsolike.registry.decision import Decision
from alsolike.registry.versions import ModelVersion, ModelVersions
from alsolike.runtime.errors import InvalidBundle, NotFound


@dataclasses.dataclass(frozen=True, slots=True)
class VersionHistory:
    version: ModelVersion
    manifest: Manifest | None
    decision: Decision | None
    canary: CanaryReport | None
    promotions: tuple[Promotion, ...]

    def document(self) -> dict[str, Any]:
        document = {**dataclasses.asdict(self.version), **dataclasses.asdict(self)}
        del document["version"]
        document = {"version": self.version.version, **document}
        if self.decision is not None:
            document["decision"]["verdict"] = self.decision.verdict
        if self.canary is not None:
            document["canary"] |= {"state": self.canary.state, "reasons": self.canary.reasons}
        return document


def version_history(versions: ModelVersions, version: str) -> VersionHistory:
    champion = versions.registry.champion()
    try:
        manifest = versions.manifest(version)
    except (NotFound, InvalidBundle):
        manifest = None
    return VersionHistory(
        versions.registered(version),
        manifest,
        versions.decisions.get(version),
        versions.canaries.read(version),
        tuple(entry for entry in (champion.history if champion else ()) if entry.version == version),
    )
