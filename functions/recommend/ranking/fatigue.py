"""Demotion of items that the user has seen without a reaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from alsolike.configuration.configuration import Fatigue
from alsolike.profiles.impressions import sightings
from functions.recommend.ranking.boosts import boosted
from functions.recommend.ranking.inputs import RankingInputs
from functions.recommend.scored_item import ScoredItem

NO_FACTORS: Mapping[int, float] = MappingProxyType({})


def fatigue_factors(inputs: RankingInputs, fatigue: Fatigue) -> Mapping[int, float]:
    if not inputs.user.impressions:
        return NO_FACTORS
    reactions = {interaction.item_id: interaction.event_time_ms for interaction in inputs.recent}
    counts = sightings(inputs.user.impressions, fatigue, reactions=reactions, now_ms=inputs.resolved.now_ms)
    factors = {item_id: fatigue.factor(count) for item_id, count in counts.items()}
    demoted = [item_id for item_id, factor in factors.items() if factor < 1]
    positions = inputs.resolved.catalogue.positions(demoted).tolist() if demoted else []
    return {position: factors[item_id] for position, item_id in zip(positions, demoted, strict=True) if position}


def demoted(ranked: Sequence[ScoredItem], factors: Mapping[int, float]) -> list[ScoredItem]:
    changed = [item._replace(score=boosted(item.score, factors.get(item.position, 1.0))) for item in ranked]
    return sorted(changed, key=lambda item: -item.score)
