"""The experiments in the configuration's document: read and written."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from alsolike.document import Node
from alsolike.experiments import Arm, Experiment
from alsolike.names import NAME, NAME_FORM

DEFAULT_LAYER = "default"
_MAX_ARMS = 20
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EARLIEST, _LATEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
_TARGETS = ("recommender", "rules", "model")


def parse_experiments(
    node: Node | None, *, recommenders: Collection[str], rules: Collection[str]
) -> dict[str, Experiment]:
    """Read the experiments by name; faults are noted at the node.

    Parameters
    ----------
    recommenders, rules
        Names that arms may refer to.
    """
    experiments: dict[str, Experiment] = {}
    for name, entry in node.entries() if node else ():
        if not NAME.fullmatch(name):
            entry.fault(f"is no name, expected {NAME_FORM}", at_key=True)
            continue
        fields = entry.fields("layer", "start", "end", "arms", required=("start", "arms"))
        layer = fields["layer"].text(NAME, f"a name: {NAME_FORM}") if "layer" in fields else DEFAULT_LAYER
        start_ms = _time_ms(fields["start"]) if "start" in fields else None
        end_ms = _time_ms(fields["end"]) if "end" in fields and fields["end"].value is not None else None
        if start_ms is not None and end_ms is not None and end_ms <= start_ms:
            fields["end"].fault(f"is {fields['end'].value!r}, expected a time after the start")
        arms = _arms(fields["arms"], recommenders=recommenders, rules=rules) if "arms" in fields else ()
        experiment = Experiment(name, layer or "", start_ms or 0, end_ms, arms)
        if layer and start_ms is not None:
            for other in experiments.values():
                if _collide(experiment, other):
                    entry.fault(
                        f"runs at the same time as {other.name} in the layer {layer!r}, "
                        "expected times apart or another layer",
                        at_key=True,
                    )
            experiments[name] = experiment
    return experiments


def experiment_to_document(experiment: Experiment) -> dict[str, Any]:
    """Return what `parse_experiments` reads as this experiment."""
    return {
        "layer": experiment.layer,
        "start": _text(experiment.start_ms),
        "end": None if experiment.end_ms is None else _text(experiment.end_ms),
        "arms": {
            arm.name: {"share": arm.share}
            | {target: value for target in _TARGETS if (value := getattr(arm, target)) is not None}
            for arm in experiment.arms
        },
    }


def _arms(node: Node, *, recommenders: Collection[str], rules: Collection[str]) -> tuple[Arm, ...]:
    arms = []
    shares_known = True
    for name, entry in node.entries("a mapping of two arms or more"):
        if not NAME.fullmatch(name):
            entry.fault(f"is no name, expected {NAME_FORM}", at_key=True)
        fields = entry.fields("share", *_TARGETS, required=("share",))
        share = fields["share"].number(0, 1, open_ends=True) if "share" in fields else None
        shares_known &= share is not None
        if len(given := [target for target in _TARGETS if target in fields]) > 1:
            entry.fault(f"states {' and '.join(given)}, expected one of {', '.join(_TARGETS)} at most")
        arms.append(Arm(name, share or 0.0, **_target(fields, recommenders=recommenders, rules=rules)))
    if isinstance(node.value, Mapping):
        total = math.fsum(arm.share for arm in arms)
        if not 2 <= len(arms) <= _MAX_ARMS:
            node.fault(f"has {len(arms)} arms, expected 2 to {_MAX_ARMS}", at_key=True)
        elif shares_known and abs(total - 1) > 1e-6:
            node.fault(f"has shares that add up to {total:g}, expected 1", at_key=True)
    return tuple(arms)


def _target(
    fields: Mapping[str, Node], *, recommenders: Collection[str], rules: Collection[str]
) -> dict[str, str | None]:
    target: dict[str, str | None] = {}
    if "recommender" in fields:
        target["recommender"] = fields["recommender"].choice(recommenders, what="a recommender:")
    if "rules" in fields:
        target["rules"] = fields["rules"].choice(rules, what="the name of a rule set:")
    if "model" in fields:
        target["model"] = fields["model"].text(_MODEL, "a model version, in quotes")
    return target


_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def _collide(one: Experiment, other: Experiment) -> bool:
    ends = (one.end_ms or math.inf, other.end_ms or math.inf)
    return one.layer == other.layer and one.start_ms < ends[1] and other.start_ms < ends[0]


def _time_ms(node: Node) -> int | None:
    try:
        time = dt.datetime.fromisoformat(node.value)  # type: ignore[arg-type]
        if time.tzinfo is not None and _EARLIEST <= time < _LATEST:
            return (time - _EPOCH) // dt.timedelta(milliseconds=1)
    except (TypeError, ValueError, OverflowError):
        pass
    node.expect("a time from 2000 to 2199 with its zone, such as 2026-03-01T08:00:00Z")
    return None


def _text(time_ms: int) -> str:
    return (_EPOCH + dt.timedelta(milliseconds=time_ms)).isoformat().replace("+00:00", "Z")
