"""Experiments in the stored configuration: options, additions, stops and checks."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alsolike.configuration.experiments import Arm, Experiment
from alsolike.configuration_document.document import parse
from alsolike.configuration_document.times import time_text
from alsolike.declarations.storage import MODELS_PREFIX
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.s3 import folders

if TYPE_CHECKING:
    from alsolike.configuration.configuration import Configuration
    from operations.client.deployment import Deployment

_TARGETS = ("recommender", "rules", "model")
_EXPECTED = "expected NAME=SHARE, or NAME=SHARE:recommender=NAME, :rules=NAME or :model=VERSION"


def arms_of(given: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Parse the options `--arm` and return the arms in the document's form.

    Examples
    --------
    >>> arms_of(["control=0.9", "new=0.1:model=v2"])
    {'control': {'share': 0.9}, 'new': {'share': 0.1, 'model': 'v2'}}
    """
    arms: dict[str, dict[str, Any]] = {}
    for text in given:
        referenced, *stated = text.split(":")
        name, _, share = referenced.partition("=")
        try:
            arm: dict[str, Any] = {"share": float(share)}
        except ValueError as error:
            raise InvalidInput(f"--arm is {text!r}, {_EXPECTED}") from error
        for part in stated:
            target, _, value = part.partition("=")
            if target not in _TARGETS or not value:
                raise InvalidInput(f"--arm is {text!r}, {_EXPECTED}")
            arm[target] = value
        if name in arms:
            raise InvalidInput(f"--arm names {name!r} twice, expected each arm once")
        arms[name] = arm
    return arms


def with_experiment(document: Mapping[str, Any], name: str, stated: Mapping[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(dict(document))
    experiments = changed.setdefault("experiments", {})
    if name in experiments:
        raise InvalidInput(f"an experiment {name!r} already exists, expected another name: the report would mix both")
    experiments[name] = dict(stated)
    return changed


def ended(document: Mapping[str, Any], name: str, *, at_ms: int) -> dict[str, Any]:
    changed = copy.deepcopy(dict(document))
    changed["experiments"][name]["end"] = time_text(at_ms)
    return changed


def without(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    changed = copy.deepcopy(dict(document))
    del changed["experiments"][name]
    return changed


def experiment_of(configuration: Configuration, name: str) -> Experiment:
    if (experiment := configuration.experiments.get(name)) is None:
        known = ", ".join(configuration.experiments) or "none"
        raise NotFound(f"there is no experiment {name!r}, expected one of the configuration's: {known}")
    return experiment


def arm_of(experiment: Experiment, name: str) -> Arm:
    for arm in experiment.arms:
        if arm.name == name:
            return arm
    raise NotFound(
        f"{experiment.name} has no arm {name!r}, expected one of {', '.join(arm.name for arm in experiment.arms)}"
    )


def checked(document: Mapping[str, Any], deployment: Deployment, *, now_ms: int) -> Configuration:
    configuration = parse(document)
    check_models(configuration, deployment, now_ms=now_ms)
    return configuration


def check_models(configuration: Configuration, deployment: Deployment, *, now_ms: int) -> None:
    referenced = {
        arm.model: experiment.label(arm)
        for experiment in configuration.experiments.values()
        if experiment.end_ms is None or experiment.end_ms > now_ms
        for arm in experiment.arms
        if arm.model is not None
    }
    for version, arm in referenced.items():
        if not _exists(deployment, version):
            existing = ", ".join(sorted(_versions(deployment), reverse=True)[:10]) or "none"
            raise NotFound(f"{arm} references the model version {version!r}, expected an existing version: {existing}")


def check_running(before: Configuration, after: Configuration, *, now_ms: int) -> None:
    if disturbed := disturbances(before, after, now_ms=now_ms):
        raise InvalidInput(
            f"{'; '.join(disturbed)}: copy the live values (alsolike config show). To change an experiment, "
            "stop it (alsolike experiments stop NAME) and start one with another name"
        )


def disturbances(before: Configuration, after: Configuration, *, now_ms: int) -> list[str]:
    """Return a sentence per experiment that a change of the configuration would disturb.

    A report is valid only if arms and shares were fixed before the start. Changing them moves users between arms and
    invalidates the test. An outdated file could restart an experiment that has ended.
    """
    reasons = []
    for name, running in before.experiments.items():
        then = after.experiments.get(name)
        if running.end_ms is not None and running.end_ms <= now_ms:
            if then is not None and then.runs(now_ms):
                reasons.append(f"the experiment {name} has ended and would run again")
        elif not running.runs(now_ms):
            continue
        elif then is None:
            reasons.append(f"the experiment {name} runs and would be removed")
        elif dataclasses.replace(then, end_ms=running.end_ms) != running:
            reasons.append(f"the experiment {name} runs, and more than its end would change")
    return reasons


def _exists(deployment: Deployment, version: str) -> bool:
    from operations.models import versions as model_versions

    try:
        model_versions.manifest(deployment, version)
    except NotFound:
        return False
    return True


def _versions(deployment: Deployment) -> set[str]:
    stored = folders(deployment.client("s3"), deployment.names.artefact_bucket, MODELS_PREFIX)
    return {folder.split("/")[1] for folder in stored}


def next_step(experiment: Experiment, winner: Arm) -> str:
    """Return the step that gives all users the treatment of the winning arm."""
    if winner.rules is not None:
        stated = ", ".join(f"{recommender}: {{rules: {winner.rules}}}" for recommender in experiment.on)
        return f"for all users: apply a configuration with `recommenders: {{{stated}}}`"
    if winner.model is not None:
        return f"for all users: alsolike models promote {winner.model} --reason '{winner.name} won {experiment.name}'"
    on = ", ".join(experiment.on)
    if winner.recommender is not None:
        return f"for all users: request {winner.recommender} in place of {on}"
    return f"{on}: all users get the normal settings, as {winner.name} did"
