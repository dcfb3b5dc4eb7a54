"""The rules of an answer, and their application to the items that a recommender finds."""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Sequence

from alsolike.configuration import Configuration
from alsolike.errors import InvalidInput, Unavailable
from alsolike.recommendation_requests import PERSONALIZED_RANKING
from alsolike.rules import Boost, Promotion, RuleSet, promoted_places
from functions.recommend import boosting, filtering, promoting
from functions.recommend.filtering import Chosen
from functions.recommend.model import Bias
from functions.recommend.recommenders import Found
from functions.recommend.request import Request
from functions.recommend.scene import Scene
from functions.recommend.slate import Candidate, Pinned, Promoted, Random, Slate, Steering, compose
from functions.recommend.standing import NO_CATALOGUE, NO_CONFIGURATION

OWN = ""
"""Stands for the rule set of the recommender."""

MAX_POOL = 1_000
"""So many items at most are chosen among."""
LEAST_POOL = 100
CANDIDATES_A_PLACE = 4
REFUSED_A_PLACE = 2.5
"""Factor on the number of candidates with slate rules, which reject items."""
MAX_NEW_ITEMS = 100
"""Maximum number of items, the latest ones, that exploration draws from."""

_UNREADABLE = "unreadable"


def rule_set(request: Request, configuration: Configuration, *, name: str | None = OWN) -> RuleSet | None:
    """Return the rules that apply to a request, None if there are none.

    The promotions of the request replace those of the rule set. If the request ranks given items, all of them are
    returned: boosts, demotions and diversity order them, and no other rule applies.

    Parameters
    ----------
    name
        A rule set that replaces that of the recommender; None for the rules of the request only.
    """
    chosen = configuration.recommenders[request.recommender].rules if name == OWN else name
    rules = None if chosen is None else configuration.rules[chosen]
    if request.promotions is not None:
        promotions = tuple(Promotion(each.filter_name, each.share, each.name) for each in request.promotions)
        rules = dataclasses.replace(rules or RuleSet(""), promotions=promotions)
    if rules is not None and request.recommender == PERSONALIZED_RANKING:
        rules = dataclasses.replace(rules, promotions=(), pins=(), slate=(), exploration=None)
    return None if rules is None or rules == RuleSet(rules.name) else rules


class Merchandising:
    """The application of a rule set to one request.

    Parameters
    ----------
    scene
        Of the request; this class sets its number of wanted items and its classes.

    Raises
    ------
    NotFound, InvalidInput
        If a promotion of the request names an unknown filter, or lacks the filter's values.
    """

    def __init__(self, rules: RuleSet, scene: Scene, *, source: Random | None = None) -> None:
        self._rules = rules
        self._scene = scene
        self._random = source or random.SystemRandom()  # a seeded generator would repeat in restored snapshots
        self._gave: dict[str, None] = {}
        self._boosts = [
            *(("boost", boost) for boost in rules.boosts),
            *(("demotion", boost) for boost in rules.demotions),
        ]
        self._promotions = list(self._chosen_promotions())
        scene.wanted = self._wanted(scene.request.num_results)
        if self._boosts:
            scene.classes = self._classes

    def arrange(self, found: Found) -> Slate:
        """Return the list that fulfils the rules, from the recommender's items and those that rules add.

        Raises
        ------
        InvalidInput
            If the values of a promotion of the request do not fit its filter.
        """
        scene, rules, k = self._scene, self._rules, self._scene.request.num_results
        candidates = self._boosted(found)
        scores = {candidate.item_id: candidate.score for candidate in candidates}
        steering = Steering(
            pins=[
                Pinned(pin.item_id, pin.position, scores.get(pin.item_id, 0.0), refusal)
                for pin, refusal in zip(rules.pins, self._refusals(), strict=True)
            ],
            promotions=self._promoted(k),
            slate=rules.slate,
            diversity=rules.diversity,
            explored_share=rules.exploration.share if rules.exploration else 0.0,
            new_items=[Candidate(item_id, scores.get(item_id, 0.0)) for item_id in self._new_items()],
        )
        item_ids = [
            *scores,
            *(pin.item_id for pin in rules.pins),
            *(candidate.item_id for promotion in steering.promotions for candidate in promotion.candidates),
            *(candidate.item_id for candidate in steering.new_items),
        ]
        names = {*(rule.column for rule in rules.slate), *(rules.diversity.columns if rules.diversity else ())}
        slate = compose(
            candidates,
            steering,
            k=k,
            columns=scene.catalogue.columns(item_ids, tuple(sorted(names))),
            random=self._random,
        )
        return Slate(slate.places, (*self._gave, *(each for each in slate.gave if each not in self._gave)))

    def _wanted(self, k: int) -> int:
        """Return how many candidates there are to be for k places."""
        rules = self._rules
        if rules.slate or rules.diversity or rules.boosts or rules.demotions:
            times = REFUSED_A_PLACE if rules.slate else 1
            return min(int(max(CANDIDATES_A_PLACE * k, LEAST_POOL) * times), MAX_POOL)
        return 2 * k + len(rules.pins)  # items of other rules may be among the candidates

    def _chosen_promotions(self) -> Sequence[tuple[Promotion, Chosen]]:
        request, configuration = self._scene.request, self._scene.configuration
        if NO_CONFIGURATION in self._scene.degraded:
            self._gave |= dict.fromkeys(f"promotion:{each.called} {_UNREADABLE}" for each in self._rules.promotions)
            return []
        if request.promotions is None:
            return [(each, self._own(each.filter)) for each in self._rules.promotions]
        where = "promotions[0].filterArn"
        return [
            (
                promotion,
                filtering.named(promotion.filter, request, configuration, values=each.filter_values, where=where),
            )
            for promotion, each in zip(self._rules.promotions, request.promotions, strict=True)
        ]

    def _own(self, name: str) -> Chosen:
        return filtering.named(name, self._scene.request, self._scene.configuration)

    def _bias_of(self, chosen: Chosen, what: str, *, of_request: bool = False) -> Bias | None:
        """Return the bias of a rule's filter; None, with a declared reason, if it cannot be evaluated now."""
        if chosen.needs_catalogue and NO_CATALOGUE in self._scene.degraded:
            self._gave[f"{what} {_UNREADABLE}"] = None
            return None
        try:
            return self._scene.bias_of(chosen)
        except Unavailable:
            self._gave[f"{what} {_UNREADABLE}"] = None
        except InvalidInput:
            if of_request:
                raise
            self._gave[f"{what} invalid"] = None
        return None

    @functools.cached_property
    def _factors(self) -> list[tuple[Boost, Chosen, Bias]]:
        """Return the boosts and demotions whose filters can be read."""
        found = []
        for kind, boost in self._boosts:
            chosen = self._own(boost.filter)
            bias = self._bias_of(chosen, f"{kind}:{boost.filter}")
            if bias is not None:
                found.append((boost, chosen, bias))
        return found

    def _classes(self) -> list[Bias] | None:
        """Return the biases that divide all items by their factors; None, with a declared reason, if time is short."""
        scene = self._scene
        assert scene.model is not None
        factors = self._factors
        allowed = scene.catalogue.neutral() if scene.bias is None else scene.bias
        parts = boosting.classes(
            (bias for _, _, bias in factors), [boost.factor for boost, _, _ in factors], allowed=allowed
        )
        expected_ms = scene.model.expected_ms(with_bias=True) * len(parts)
        if len(parts) <= boosting.MAX_CLASSES and scene.budget.allows(expected_ms):
            return parts
        self._gave |= dict.fromkeys(f"{kind}:{boost.filter} partly" for kind, boost in self._boosts)
        return None

    def _boosted(self, found: Found) -> list[Candidate]:
        """Return the found items by their boosted scores, best first."""
        item_ids = [item.item_id for item in found.items]
        factors = [1.0] * len(item_ids)
        for boost, chosen, bias in self._factors:
            passes = self._scene.passes(item_ids, chosen, bias=bias)
            factors = [
                factor * boost.factor if passed else factor for factor, passed in zip(factors, passes, strict=True)
            ]
        candidates = [
            Candidate(item.item_id, boosting.boosted(item.score, factor), item.origin)
            for item, factor in zip(found.items, factors, strict=True)
        ]
        if self._boosts:
            candidates.sort(key=lambda candidate: -candidate.score)
        return candidates[: self._scene.wanted]

    def _refusals(self) -> list[str | None]:
        """Return why each pin's item may not be answered."""
        item_ids = [pin.item_id for pin in self._rules.pins]
        if not item_ids:
            return []
        barred = frozenset(promoting.barred(self._scene))
        known = self._scene.catalogue.known(item_ids).tolist()
        return [
            "excluded" if item_id in barred else "unknown" if not is_known else None if allowed else "filtered"
            for item_id, is_known, allowed in zip(item_ids, known, self._scene.allowed(item_ids), strict=True)
        ]

    def _promoted(self, k: int) -> list[Promoted]:
        found = []
        places = promoted_places([promotion.share for promotion, _ in self._promotions], k)
        for (promotion, chosen), count in zip(self._promotions, places, strict=True):
            of_request = self._scene.request.promotions is not None
            if not count and not of_request:
                continue
            bias = self._bias_of(chosen, f"promotion:{promotion.called}", of_request=of_request)
            if bias is not None and count:
                wanted = min(CANDIDATES_A_PLACE * count + len(self._rules.pins) + k, MAX_POOL)
                items = promoting.best(self._scene, chosen, bias, k=wanted)
                found.append(Promoted(promotion.called, count, [Candidate(item.item_id, item.score) for item in items]))
        return found

    def _new_items(self) -> list[str]:
        if self._rules.exploration is None:
            return []
        return promoting.new_items(self._scene, days=self._rules.exploration.new_for_days, most=MAX_NEW_ITEMS)
