"""The responses of the operator's actions, as JSON Schema by name."""

from __future__ import annotations

from types import MappingProxyType

from alsolike.contract.json_schemas import Schema, or_null
from alsolike.registry.canary_report import GOING, PROMOTED, ROLLED_BACK
from alsolike.registry.decision import APPROVED, REJECTED
from alsolike.registry.versions import STATUSES
from alsolike.training.runs import BUSY
from alsolike.training.runs import STATUSES as RUN_STATUSES

MODELS, MODEL_STORY, CHAMPION, PROMOTION = "Models", "ModelStory", "Champion", "Promotion"
TRAININGS, STARTED_TRAINING, RULES_PREVIEW = "Trainings", "StartedTraining", "RulesPreview"

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number"}
_WHOLE: Schema = {"type": "integer"}
_TIME: Schema = {"type": "integer", "description": "Milliseconds since 1970."}
_FIGURE: Schema = {"type": ["number", "null"], "description": "Figure on the hold-out, or null if it was not stored."}


def _object(**properties: Schema) -> Schema:
    """Return an object with exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(element: Schema, about: str = "") -> Schema:
    return {"type": "array", "items": element, **({"description": about} if about else {})}


_PROMOTED: dict[str, Schema] = {"promotedMs": _TIME, "reason": _TEXT}

_CHAMPION = _object(
    etag={**_TEXT, "description": "Value for `etag` of a change that requires an unchanged pointer."},
    version=_TEXT,
    previous={**or_null(_TEXT), "description": "Version that a rollback restores."},
    history=_list(_object(version=_TEXT, **_PROMOTED), "The latest first."),
    canary=or_null(_object(version=_TEXT, share=_NUMBER, startedMs=_TIME)),
    held={**or_null(_TEXT), "description": "Reason why automatic promotions are paused."},
    pinned=_list(_TEXT, "Pinned versions."),
)

_VERSION = _object(
    version=_TEXT,
    status={"type": "string", "enum": list(STATUSES)},
    algorithm=_TEXT,
    createdMs=_TIME,
    items=_WHOLE,
    pinned=_FLAG,
    forced={**_FLAG, "description": "Whether an operator promoted it against the gate's decision."},
    approval=_TEXT,
    hr=_FIGURE,
    ndcg=_FIGURE,
    coverage=_FIGURE,
)

_CANDIDATE = _object(
    algorithm=_TEXT, hr=_FIGURE, ndcg=_FIGURE, mrr=_FIGURE, coverage=_FIGURE, fitS=or_null(_NUMBER), winner=_FLAG
)

_DECISION = _object(
    verdict={"type": "string", "enum": [APPROVED, REJECTED]},
    decidedMs=_TIME,
    champion={**or_null(_TEXT), "description": "Version of the comparison."},
    forced={**or_null(_TEXT), "description": "Reason for the forced promotion."},
    checks=_list(_object(name=_TEXT, passed=_FLAG, figures=_TEXT)),
)

_STATE: Schema = {"type": "string", "enum": [GOING, PROMOTED, ROLLED_BACK]}
_CANARY = _object(
    state=_STATE,
    champion=or_null(_TEXT),
    share=_NUMBER,
    startedMs=_TIME,
    endsMs=_TIME,
    reasons=_list(_TEXT),
    looks=_list(_object(atMs=_TIME, state=_STATE, reasons=_list(_TEXT)), "The earliest first."),
)

_OUTCOMES = [PROMOTED, REJECTED, ROLLED_BACK.replace("_", " "), BUSY]
_RUN = _object(
    id=_TEXT,
    status={"type": "string", "enum": list(RUN_STATUSES)},
    outcome={"enum": [*_OUTCOMES, None], "description": "Null while it runs and after a failure."},
    startedMs=_TIME,
    endedMs=or_null(_TIME),
    reason={**or_null(_TEXT), "description": "Reason for the start."},
    version={**or_null(_TEXT), "description": "Model version of the run."},
    cause={**or_null(_TEXT), "description": "Failed step, error and cause."},
    states=_list(
        _object(name=_TEXT, enteredMs=_TIME, leftMs=or_null(_TIME)),
        "States from first entry to last exit; empty if the time was too short.",
    ),
)

_PREVIEWED = _object(itemId=_TEXT, score=_NUMBER, origin=_TEXT)
_PREVIEWED["properties"] |= {"propensity": _NUMBER, "metadata": {"type": "object", "additionalProperties": _TEXT}}

ANSWERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        MODELS: _object(
            champion=or_null(_CHAMPION),
            versions=_list(_VERSION, "The latest first."),
            trialSharePercent={
                **_WHOLE,
                "description": "Share of users with the canary version; 0 without a canary.",
            },
        ),
        MODEL_STORY: _object(
            version=_VERSION,
            datasetId=or_null(_TEXT),
            lastEventMs=or_null(_TIME),
            candidates=_list(_CANDIDATE, "The best first."),
            decision=or_null(_DECISION),
            canary=or_null(_CANARY),
            promotions=_list(_object(**_PROMOTED), "The latest first."),
        ),
        CHAMPION: _CHAMPION,
        PROMOTION: _object(
            champion={**or_null(_CHAMPION), "description": "Null if a canary comes first."},
            runId={**or_null(_TEXT), "description": "Run of the canary."},
            warnings=_list(_TEXT, "Step that failed after the promotion."),
        ),
        TRAININGS: _object(runs=_list(_RUN, "The latest first.")),
        STARTED_TRAINING: _object(id=_TEXT),
        RULES_PREVIEW: _object(
            recommender=_TEXT,
            rules={**or_null(_TEXT), "description": "Rule set of `after`."},
            before=_list(_PREVIEWED),
            beforeIsLive={**_FLAG, "description": "True: `before` is the live list. False: the list without rules."},
            after=_list(_PREVIEWED),
            unmetRules=_list(_TEXT, "Unmet rules with reasons."),
            degraded=_list(_TEXT),
            source=_TEXT,
            modelVersion=_TEXT,
        ),
    }
)
