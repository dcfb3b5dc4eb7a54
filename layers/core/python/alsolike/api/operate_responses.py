"""JSON Schemas of the responses of `operate`, by name. Most responses of the rule editor are in `operator_rules`."""

from __future__ import annotations

from types import MappingProxyType

from alsolike.registry.canary_report import GOING, PROMOTED, ROLLED_BACK
from alsolike.registry.decision import APPROVED, REJECTED, WAITING
from alsolike.registry.versions import STATUSES
from alsolike.schema.json_schemas import (
    FLAG,
    INTEGER,
    NUMBER,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TIME_MS,
    TIME_MS_OR_NULL,
    Schema,
    described,
    list_of,
    map_of,
    object_of,
    one_of,
    or_null,
)
from alsolike.training.runs import BUSY
from alsolike.training.runs import STATUSES as RUN_STATUSES

MODELS, MODEL_STORY, CHAMPION, PROMOTION = "Models", "ModelStory", "Champion", "Promotion"
TRAININGS, STARTED_TRAINING = "Trainings", "StartedTraining"
RULES_PREVIEW, SESSION_TOKEN = "RulesPreview", "SessionToken"

_FIGURE = described(NUMBER_OR_NULL, "Figure on the hold-out, or null if it was not stored.")
_PROMOTED: dict[str, Schema] = {"promotedMs": TIME_MS, "reason": TEXT}

_CHAMPION = object_of(
    {
        "etag": described(TEXT, "Value for `etag` of a change that requires an unchanged pointer."),
        "version": TEXT,
        "previous": described(TEXT_OR_NULL, "Version that a rollback restores."),
        "history": list_of(object_of({"version": TEXT, **_PROMOTED}), "The latest first."),
        "canary": or_null(object_of({"version": TEXT, "share": NUMBER, "startedMs": TIME_MS})),
        "held": described(TEXT_OR_NULL, "Reason why automatic promotions are paused."),
        "pinned": list_of(TEXT, "Pinned versions."),
    }
)

_VERSION = object_of(
    {
        "version": TEXT,
        "status": one_of(STATUSES),
        "algorithm": TEXT,
        "createdMs": TIME_MS,
        "items": INTEGER,
        "pinned": FLAG,
        "forced": described(FLAG, "Whether an operator promoted it against the gate's decision."),
        "damaged": list_of(TEXT, "Missing and damaged files, which `alsolike models repair` restores."),
        "approval": TEXT,
        "hr": _FIGURE,
        "ndcg": _FIGURE,
        "coverage": _FIGURE,
    }
)

_CANDIDATE = object_of(
    {
        "algorithm": TEXT,
        "hr": _FIGURE,
        "ndcg": _FIGURE,
        "mrr": _FIGURE,
        "coverage": _FIGURE,
        "fitS": NUMBER_OR_NULL,
        "winner": FLAG,
    }
)

_DECISION = object_of(
    {
        "verdict": one_of([APPROVED, WAITING, REJECTED]),
        "decidedMs": TIME_MS,
        "champion": described(TEXT_OR_NULL, "Version of the comparison."),
        "forced": described(TEXT_OR_NULL, "Reason for the forced promotion."),
        "checks": list_of(object_of({"name": TEXT, "passed": FLAG, "figures": TEXT})),
    }
)

_STATE = one_of([GOING, PROMOTED, ROLLED_BACK])
_CANARY = object_of(
    {
        "state": _STATE,
        "champion": TEXT_OR_NULL,
        "share": NUMBER,
        "startedMs": TIME_MS,
        "endsMs": TIME_MS,
        "reasons": list_of(TEXT),
        "looks": list_of(
            object_of({"atMs": TIME_MS, "state": _STATE, "reasons": list_of(TEXT)}), "The earliest first."
        ),
    }
)

_OUTCOMES = [PROMOTED, WAITING, REJECTED, ROLLED_BACK.replace("_", " "), BUSY]
_RUN = object_of(
    {
        "id": TEXT,
        "status": one_of(RUN_STATUSES),
        "outcome": {"enum": [*_OUTCOMES, None], "description": "Null while it runs and after a failure."},
        "startedMs": TIME_MS,
        "endedMs": TIME_MS_OR_NULL,
        "reason": described(TEXT_OR_NULL, "Reason for the start."),
        "version": described(TEXT_OR_NULL, "Model version of the run."),
        "cause": described(TEXT_OR_NULL, "Failed step, error and cause."),
        "log": described(TEXT_OR_NULL, "Last line of the training job's log while the run is active."),
        "states": list_of(
            object_of({"name": TEXT, "enteredMs": TIME_MS, "leftMs": TIME_MS_OR_NULL}),
            "States from first entry to last exit; empty if reading them took too long.",
        ),
    }
)

_PREVIEWED = object_of({"itemId": TEXT, "score": NUMBER, "origin": TEXT})
_PREVIEWED["properties"] |= {"propensity": NUMBER, "metadata": map_of(TEXT)}

ANSWERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        MODELS: object_of(
            {
                "champion": or_null(_CHAMPION),
                "versions": list_of(_VERSION, "The latest first."),
                "trialSharePercent": described(INTEGER, "Share of users with the canary version; 0 without a canary."),
            }
        ),
        MODEL_STORY: object_of(
            {
                "version": _VERSION,
                "datasetId": TEXT_OR_NULL,
                "lastEventMs": TIME_MS_OR_NULL,
                "candidates": list_of(_CANDIDATE, "The best first."),
                "decision": or_null(_DECISION),
                "canary": or_null(_CANARY),
                "promotions": list_of(object_of({**_PROMOTED}), "The latest first."),
            }
        ),
        CHAMPION: _CHAMPION,
        PROMOTION: object_of(
            {
                "champion": described(or_null(_CHAMPION), "Null if a canary comes first."),
                "runId": described(TEXT_OR_NULL, "Run of the canary."),
                "warnings": list_of(TEXT, "Step that failed after the promotion."),
            }
        ),
        TRAININGS: object_of({"runs": list_of(_RUN, "The latest first.")}),
        STARTED_TRAINING: object_of({"id": TEXT}),
        SESSION_TOKEN: object_of({"token": TEXT, "sessionId": TEXT, "expiresInS": INTEGER}),
        RULES_PREVIEW: object_of(
            {
                "recommender": TEXT,
                "rules": described(TEXT_OR_NULL, "Rule set of `after`."),
                "before": list_of(_PREVIEWED),
                "beforeIsLive": described(FLAG, "True: `before` is the live list. False: the list without rules."),
                "after": list_of(_PREVIEWED),
                "unmetRules": list_of(TEXT, "Unmet rules with reasons."),
                "degraded": list_of(TEXT),
                "source": TEXT,
                "modelVersion": TEXT,
            }
        ),
    }
)
