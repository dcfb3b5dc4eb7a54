"""Repair of the bundles of the champion, the previous champions and the canary, from earlier versions in S3."""

from __future__ import annotations

from typing import Any

from alsolike.registry.champion import Champion
from alsolike.registry.registry import Registry
from alsolike.registry.retention import LAST_GOOD
from alsolike.runtime.errors import InvalidInput
from operations.models.bundle_files import damaged_files, restore_files


def repair_bundles(client: Any, bucket: str, *, reason: str, now_ms: int) -> list[str]:
    """Restore damaged files of the champion, the canary and the previous champions; return a sentence for each.

    If the champion cannot be restored, the latest sound previous champion replaces it.

    Raises
    ------
    InvalidInput
        If there is no such previous champion.
    ConcurrentUpdate
        If another process wrote the pointer meanwhile.
    """
    registry = Registry(client, bucket)
    champion = registry.champion()
    if champion is None:
        return []
    canary = () if champion.canary is None else (champion.canary.version,)
    done: list[str] = []
    damaged: dict[str, str] = {}
    for version in dict.fromkeys((champion.version, *canary, *champion.predecessors[:LAST_GOOD])):
        if not (files := damaged_files(client, bucket, version)):
            continue
        names = restore_files(client, bucket, version)
        if names is None:
            damaged[version] = ", ".join(map(str, files))
        else:
            done.append(f"{version}: restored {', '.join(names)}")
    if champion.version in damaged:
        return [*done, _replace(registry, champion, damaged, reason=reason, now_ms=now_ms)]
    if done:
        registry.note_repair(champion, now_ms=now_ms)
    return [*done, *(f"{version} cannot be restored: {files}" for version, files in damaged.items())]


def _replace(registry: Registry, champion: Champion, damaged: dict[str, str], *, reason: str, now_ms: int) -> str:
    faults = f"{champion.version} cannot be restored: {damaged[champion.version]}"
    for version in champion.predecessors[:LAST_GOOD]:
        if version not in damaged:
            registry.restore(champion, version, reason=f"{reason}: {faults}", now_ms=now_ms)
            return f"{faults}; the previous champion {version} serves"
    raise InvalidInput(f"{faults}; no previous champion is sound. Run `alsolike train`, then promote its version")
