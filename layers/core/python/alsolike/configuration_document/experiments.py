"""Parser and writer of experiments in the configuration document."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from alsolike.configuration.experiments import DEFAULT_METRIC, METRIC_NAMES, PLANNED_ANSWERS, Arm, Experiment
from alsolike.configuration.recommendation_id import MAX_ARMS
from alsolike.configuration_document.limits import MAX_ARMS_PER_EXPERIMENT, MAX_MODELS, MAX_RESPONSES
from alsolike.configuration_document.times import parse_time_ms, time_text
from alsolike.recommendations.request_fields import FOR_YOU, OF_ITEMS, PERSONALIZED_RANKING
from alsolike.runtime.names import MODEL_VERSION, NAME, NAME_FORM
from alsolike.schema.document import Node

DEFAULT_LAYER = "default"
_TARGETS = ("recommender", "rules", "model")


def parse_experiments(node: Node, *, recommenders: Collection[str], rules: Collection[str]) -> dict[str, Experiment]:
    experiments: dict[str, Experiment] = {}
    for name, entry in node.entries():
        if not NAME.fullmatch(name):
            entry.fault(f"is not a valid name, expected {NAME_FORM}", at_key=True)
            continue
        fields = entry.fields(
            "layer", "on", "start", "end", "planned_answers", "metric", "arms", required=("start", "arms")
        )
        layer = fields["layer"].text(NAME, f"a name: {NAME_FORM}") if fields["layer"].is_given else DEFAULT_LAYER
        on = _on(fields["on"], recommenders) if fields["on"].is_given else (FOR_YOU,)
        start_ms = parse_time_ms(fields["start"])
        end_ms = parse_time_ms(fields["end"].unless_null())
        if start_ms is not None and end_ms is not None and end_ms <= start_ms:
            fields["end"].fault(f"is {fields['end'].value!r}, expected a time after the start")
        planned = fields["planned_answers"].integer(1, MAX_RESPONSES)
        metric = fields["metric"].choice(METRIC_NAMES)
        arms = _arms(fields["arms"], on=on, recommenders=recommenders, rules=rules)
        if layer and start_ms is not None:
            experiment = Experiment(
                name, layer, start_ms, end_ms, arms, on, planned or PLANNED_ANSWERS, metric or DEFAULT_METRIC
            )
            _refuse_collisions(entry, experiment, list(experiments.values()))
            experiments[name] = experiment
    return experiments


def experiment_to_document(experiment: Experiment) -> dict[str, Any]:
    return {
        "layer": experiment.layer,
        "on": list(experiment.on),
        "start": time_text(experiment.start_ms),
        "end": None if experiment.end_ms is None else time_text(experiment.end_ms),
        "planned_answers": experiment.planned_answers,
        "metric": experiment.metric,
        "arms": {
            arm.name: {"share": arm.share}
            | {target: value for target in _TARGETS if (value := getattr(arm, target)) is not None}
            for arm in experiment.arms
        },
    }


def _on(node: Node, recommenders: Collection[str]) -> tuple[str, ...]:
    named = [element.choice(recommenders) for element in node.elements(maximum=len(recommenders))]
    if node.value == []:
        node.expect("one recommender or more")
    return tuple(dict.fromkeys(name for name in named if name))


def _arms(node: Node, *, on: tuple[str, ...], recommenders: Collection[str], rules: Collection[str]) -> tuple[Arm, ...]:
    arms = []
    shares_known = True
    for name, entry in node.entries("a mapping of two arms or more"):
        if not NAME.fullmatch(name):
            entry.fault(f"is not a valid name, expected {NAME_FORM}", at_key=True)
        fields = entry.fields("share", *_TARGETS, required=("share",))
        share = fields["share"].number(0, 1, open_ends=True)
        shares_known &= share is not None
        if len(given := [target for target in _TARGETS if fields[target].is_given]) > 1:
            entry.fault(f"states {' and '.join(given)}, expected one of {', '.join(_TARGETS)} at most")
        arms.append(Arm(name, share or 0.0, **_target(fields, on=on, recommenders=recommenders, rules=rules)))
    if isinstance(node.value, Mapping):
        total = math.fsum(arm.share for arm in arms)
        if not 2 <= len(arms) <= MAX_ARMS_PER_EXPERIMENT:
            node.fault(f"has {len(arms)} arms, expected 2 to {MAX_ARMS_PER_EXPERIMENT}", at_key=True)
        elif shares_known and abs(total - 1) > 1e-6:
            node.fault(f"has shares that add up to {total:g}, expected 1", at_key=True)
    return tuple(arms)


def _target(
    fields: Mapping[str, Node], *, on: tuple[str, ...], recommenders: Collection[str], rules: Collection[str]
) -> dict[str, str | None]:
    recommender = fields["recommender"].choice(recommenders, noun="a recommender:")
    if recommender is not None and (why := _unanswerable(recommender, on)):
        fields["recommender"].fault(why)
    return {
        "recommender": recommender,
        "rules": fields["rules"].choice(rules, noun="the name of a rule set:"),
        "model": fields["model"].text(MODEL_VERSION, "a model version, in quotes"),
    }


def _unanswerable(recommender: str, on: tuple[str, ...]) -> str | None:
    """Return a reason why a recommender cannot replace one of the recommenders `on`, or None.

    Requests in an experiment contain a user or session, so recommenders that require a user always have their input.
    """
    for replaced in on:
        if replaced == recommender:
            continue
        if PERSONALIZED_RANKING in (replaced, recommender):
            return (
                f"is {recommender!r}, which cannot answer requests for {replaced}: only one of them ranks an input list"
            )
        if recommender in OF_ITEMS and replaced not in OF_ITEMS:
            return f"is {recommender!r}, which starts from an item, but requests for {replaced} may lack an item"
    return None


def _refuse_collisions(entry: Node, experiment: Experiment, others: Collection[Experiment]) -> None:
    meeting = [other for other in others if _meet(experiment, other)]
    for other in meeting:
        if other.layer == experiment.layer:
            entry.fault(
                f"runs at the same time as {other.name} in the layer {experiment.layer!r}, "
                "expected separate periods or another layer",
                at_key=True,
            )
        elif shared := [name for name in experiment.on if name in other.on]:
            for target in [name for name in _TARGETS if name in _targets(experiment) & _targets(other)]:
                entry.fault(
                    f"sets the {target} of requests for {', '.join(shared)} at the same time as {other.name}, "
                    "which sets it too, expected separate periods",
                    at_key=True,
                )
    for moment in [experiment.start_ms, *(other.start_ms for other in meeting)]:
        running = [other for other in (*meeting, experiment) if other.runs(moment)]
        for recommender in experiment.on if experiment in running else ():
            if (count := sum(recommender in other.on for other in running)) > MAX_ARMS:
                entry.fault(
                    f"is one of {count} experiments on {recommender} at {time_text(moment)}, expected {MAX_ARMS} at "
                    "most: a recommendation ID has no space for more arms",
                    at_key=True,
                )
                return
        models = {arm.model for other in running for arm in other.arms if arm.model is not None}
        if experiment in running and len(models) > MAX_MODELS and any(arm.model for arm in experiment.arms):
            entry.fault(
                f"is one of the experiments that use {len(models)} model versions at {time_text(moment)}, expected "
                f"{MAX_MODELS} at most: each is loaded in addition to the champion",
                at_key=True,
            )
            return


def _meet(one: Experiment, other: Experiment) -> bool:
    ends = (one.end_ms or math.inf, other.end_ms or math.inf)
    return one.start_ms < ends[1] and other.start_ms < ends[0]


def _targets(experiment: Experiment) -> set[str]:
    return {target for target in _TARGETS for arm in experiment.arms if getattr(arm, target) is not None}
