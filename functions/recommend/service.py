"""The answer to a request: its recommender, its items, and the reasons for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Sequence

from alsolike import recommendation_id
from alsolike.canary import assign
from alsolike.errors import Unavailable
from alsolike.served import FILLED
from alsolike.values import value_object
from functions.recommend import filtering, merchandising
from functions.recommend.budget import Budget
from functions.recommend.explanation import reasons
from functions.recommend.history import History
from functions.recommend.metadata import metadata
from functions.recommend.model import GRAPH_ERRORS
from functions.recommend.people import People, Shopper
from functions.recommend.recommenders import NOTHING, RECOMMENDERS, Found, Source, note_failure
from functions.recommend.request import Request
from functions.recommend.scene import Scene, Trends
from functions.recommend.session_limits import permitted
from functions.recommend.slate import Place
from functions.recommend.standing import NO_CATALOGUE, NO_CONFIGURATION, Standing

NO_VERSION = "none"


@value_object
class Answer:
    """A list of recommendations with its origin; see `recommenders.Found`.

    Attributes
    ----------
    degraded
        Reasons why the answer is degraded; empty if it is not.
    arms
        `experiment/arm` of each experiment that it is part of.
    rules
        Name of the rule set that applied.
    gave
        The rules that could not be fulfilled, each with the reason.
    filter
        Name of the filter that applied.
    configuration
        Version of the configuration.
    unknown_columns
        Requested metadata columns that the configuration does not declare and no item of the answer has.
    """

    items: Sequence[Place]
    recommendation_id: str
    source: Source
    filled: int
    cold: int
    within: str | None
    version: str
    degraded: tuple[str, ...]
    arms: tuple[str, ...] = ()
    rules: str | None = None
    gave: tuple[str, ...] = ()
    filter: str | None = None
    configuration: int = 0
    unknown_columns: tuple[str, ...] = ()


def recommend(
    request: Request,
    *,
    standing: Standing,
    people: People,
    trends: Callable[[list[str]], Trends],
    budget: Budget,
    now_ms: int,
    rules: str | None = merchandising.OWN,
) -> Answer:
    """Answer a request; return a degraded answer after a failure, but never an item that a filter rejects.

    Parameters
    ----------
    trends
        Returns the trending items, and appends to the given list the reasons if they are missing.
    rules
        Name of the rule set that applies; None for no rules.

    Raises
    ------
    NotFound
        If it names an unknown filter.
    InvalidInput
        If it lacks an input of its filter, or a session may not send it.
    """
    degraded = list(standing.degraded)
    configuration = None if NO_CONFIGURATION in degraded else standing.configuration
    request = permitted(request, None if configuration is None else configuration.sessions)
    assignment = assign(
        standing.configuration.experiments.values(),
        standing.canary,
        recommender=request.recommender,
        unit=request.user_id or request.session_id,
        now_ms=now_ms,
    )
    if assignment.model is not None:
        standing = standing.with_model(assignment.model)
        degraded = list(standing.degraded)
    answering = assignment.recommender or request.recommender
    obeyable = request.filter_name is None or configuration is not None
    chosen = filtering.choose(request, standing.configuration, answering=answering) if obeyable else filtering.Chosen()
    request_as_answered = (
        request if answering == request.recommender else dataclasses.replace(request, recommender=answering)
    )
    scene = Scene(
        request_as_answered,
        model=standing.model,
        catalogue=standing.catalogue,
        configuration=standing.configuration,
        shopper=Shopper(people, user_id=request.user_id, session_id=request.session_id, degraded=degraded),
        chosen=chosen,
        trends=lambda: trends(degraded),
        budget=budget,
        degraded=degraded,
        now_ms=now_ms,
    )
    if rules == merchandising.OWN and assignment.rules is not None:
        rules = assignment.rules
    version = NO_VERSION if standing.model is None else standing.model.version
    # Made before the model runs, while the processor's caches hold the program.
    said = recommendation_id.create(
        answered_ms=now_ms, recommender=request.recommender, version=version, arms=assignment.arms
    )
    rule_set = merchandising.rule_set(request_as_answered, standing.configuration, name=rules)
    steered = None if rule_set is None else merchandising.Merchandising(rule_set, scene)
    found, slate = NOTHING, None
    if obeyable and not (chosen.needs_catalogue and NO_CATALOGUE in degraded):
        try:
            found = RECOMMENDERS[answering](scene)
            slate = None if steered is None else steered.arrange(found)
        except Unavailable:  # the filter looks at what cannot be read of the user, which is declared by then
            if not (chosen.needs_user or chosen.needs_history):
                raise
    places = found.items if slate is None else slate.places
    items = _items(scene, places, found.history)
    return Answer(
        items,
        said,
        found.source if places else "none",
        sum(place.origin == FILLED for place in places),
        found.cold if slate is None else _cold(scene, found, places),
        found.within,
        version,
        tuple(degraded),
        assignment.arms,
        None if slate is None or rule_set is None else rule_set.name or None,
        () if slate is None else tuple(slate.gave),
        filter=chosen.name or None,
        configuration=standing.configuration.version,
        unknown_columns=_unknown_columns(scene, items, declared=standing.configuration.item_columns),
    )


def _unknown_columns(scene: Scene, places: Sequence[Place], *, declared: Container[str]) -> tuple[str, ...]:
    """Return the requested columns that are neither declared nor a property of an item in the answer."""
    if not places:
        return ()
    there = {name for place in places for name in place.metadata or ()}
    columns = scene.request.metadata_columns
    return tuple(name for name, key in columns if key not in declared and name not in there)


def _cold(scene: Scene, found: Found, places: Sequence[Place]) -> int:
    """Return how many items the model does not know, among those that it ranked; rules may have moved them."""
    if scene.model is None or not found.cold:
        return 0
    ranked = {item.item_id for item in found.items if item.origin != FILLED}
    positions = scene.catalogue.positions([place.item_id for place in places if place.item_id in ranked])
    return int((positions > scene.model.bundle.manifest.items).sum())


def _items(scene: Scene, places: Sequence[Place], history: History) -> Sequence[Place]:
    """Return the places with the requested metadata columns and reasons."""
    columns = scene.request.metadata_columns
    if columns:
        properties = scene.catalogue.properties([place.item_id for place in places])
        shown = [metadata(each, columns) for each in properties]
        places = [place._replace(metadata=each) for place, each in zip(places, shown, strict=True)]
    if scene.request.explain:
        why = _reasons(scene, places, history)
        places = [place._replace(reasons=why.get(place.item_id, [])) for place in places]
    return places


def _reasons(scene: Scene, places: Sequence[Place], history: History) -> dict[str, list[str]]:
    """Return the reasons of each item that the model ranked; the others have none."""
    model = scene.model
    if model is None or not len(history):
        return {}
    item_ids = [place.item_id for place in places if place.origin != FILLED]
    positions = scene.catalogue.positions(item_ids).tolist()
    known = [place for place, position in enumerate(positions) if 0 < position <= model.bundle.manifest.items]
    try:
        return reasons(
            [item_ids[place] for place in known],
            [positions[place] for place in known],
            model=model,
            history=history,
            recent=[scene.recent[index] for index in history.indices],
            now_ms=scene.now_ms,
        )
    except GRAPH_ERRORS as error:  # the batches of its runs take more memory than the one that ranked
        note_failure(scene, error)
        return {}
