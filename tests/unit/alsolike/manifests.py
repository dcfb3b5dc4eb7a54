"""Factory of valid manifests of bundles."""

from __future__ import annotations

import dataclasses
from typing import Any

from alsolike.bundle.manifest import HistoryParameters, Manifest

HISTORY = HistoryParameters(length=100, half_life_days=30.0, event_weights={"view": 1.0, "purchase": 5.0})


def manifest(**changes: Any) -> Manifest:
    return dataclasses.replace(
        Manifest(
            version="v1",
            algorithm="ease",
            items=3,
            history=HISTORY,
            exclude_seen=True,
            dataset_id="v1",
            last_event_ms=7,
            created_ms=8,
            code_version="c",
            metrics={"ndcg": 0.5},
        ),
        **changes,
    )
