"""JSON Schemas of the responses of `observe` and `operate`, by name."""

from __future__ import annotations

from types import MappingProxyType

from alsolike.api.observe_queries import BY
from alsolike.configuration.configuration import ColumnType
from alsolike.experiments.forecasts import STATES
from alsolike.registry.canary_report import GOING, PROMOTED, ROLLED_BACK
from alsolike.registry.decision import APPROVED, REJECTED, WAITING
from alsolike.registry.versions import STATUSES
from alsolike.schema.json_schemas import (
    COUNT,
    FLAG,
    INTEGER,
    NUMBER,
    NUMBER_OR_NULL,
    SHARE,
    SHARE_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TIME_MS,
    TIME_MS_OR_NULL,
    Schema,
    described,
    list_of,
    map_of,
    object_of,
    objects_of,
    one_of,
    or_null,
)
from alsolike.training.runs import BUSY
from alsolike.training.runs import STATUSES as RUN_STATUSES

_POINTS = list_of(
    # This schema does not use `prefixItems`, which tools for earlier drafts of JSON Schema misinterpret.
    {"type": "array", "items": NUMBER_OR_NULL, "minItems": 2, "maxItems": 2},
    "Pairs of a time in milliseconds since 1970 and a value, or null without data.",
)


def _series(about: str = "") -> Schema:
    return described(_POINTS, f"{about} {_POINTS['description']}".strip())


_SERIES = object_of(
    requests=_series(),
    clientErrors=_series("Responses with status 400 to 499."),
    serverErrors=_series("Responses with status 500 or higher."),
    latencyP50=_series("Milliseconds."),
    latencyP95=_series("Milliseconds."),
    latencyP99=_series("Milliseconds."),
    answers=_series("Responses with recommendations."),
    degradedAnswers=_series("Degraded responses."),
    eventsAccepted=_series(),
    eventsRejected=_series("Events that the API refused. A call that is refused as a whole counts as one."),
    recordsQuarantined=_series("Unreadable stream records."),
    iteratorAge=_series("Age of the oldest unread event in milliseconds."),
)
_ENGAGEMENT_ROWS = objects_of(
    name=TEXT,
    **dict.fromkeys(("answers", "impressions", "clicks", "carts", "purchases"), COUNT),
    revenue=NUMBER,
    clickThrough=NUMBER_OR_NULL,
    conversion=NUMBER_OR_NULL,
    revenuePerThousand=NUMBER_OR_NULL,
    coverage=NUMBER_OR_NULL,
    novelty=described(NUMBER_OR_NULL, "Bits."),
    newItemShare=NUMBER_OR_NULL,
    degradedShare=NUMBER_OR_NULL,
)
_DAYS_OR_NULL = described(NUMBER_OR_NULL, "Days after the start, estimated.")
_PRECISION = described(SHARE, "Half the width of the interval, divided by the mean of held-out users.")
_INCREMENTS = objects_of(
    metric=one_of(("orders", "revenue")),
    withRecommendations=described(NUMBER, "Mean per user."),
    heldOut=described(NUMBER, "Mean per user."),
    perUser=described(NUMBER_OR_NULL, "Difference. Null with too little data."),
    low=described(NUMBER_OR_NULL, "Lower limit of the always-valid 95% interval."),
    high=NUMBER_OR_NULL,
    total=described(NUMBER_OR_NULL, "Difference times the users with recommendations."),
    totalLow=NUMBER_OR_NULL,
    totalHigh=NUMBER_OR_NULL,
    daysUntilInterval=_DAYS_OR_NULL,
    waits=objects_of(precision=_PRECISION, days=_DAYS_OR_NULL),
)
_INCREMENT_REPORT = object_of(
    "Null until the first daily report.",
    computedMs=TIME_MS,
    days=NUMBER,
    users=COUNT,
    heldOutUsers=COUNT,
    attributedRevenue=described(NUMBER, "Attributed revenue of users with recommendations."),
    increments=_INCREMENTS,
)
_HOLDOUT = object_of(
    "Null without a started experiment in the layer `holdout`.",
    name=TEXT,
    startMs=TIME_MS,
    endMs=TIME_MS_OR_NULL,
    report=or_null(_INCREMENT_REPORT),
)
_DRIFT_FIGURES = objects_of(
    name=TEXT,
    value=described(NUMBER_OR_NULL, "The population stability index."),
    byChance=NUMBER_OR_NULL,
    threshold=described(NUMBER_OR_NULL, "Value above which the index counts as drift."),
    reason=described(TEXT_OR_NULL, "Reason why the index is missing."),
    aboveSinceMs=TIME_MS_OR_NULL,
    history=described(_POINTS, "Index at the checks of the last days."),
)
_DRIFT_CHECK = object_of(
    lookedMs=TIME_MS,
    champion=TEXT_OR_NULL,
    championAgeHours=NUMBER_OR_NULL,
    lakeSilentHours=NUMBER_OR_NULL,
    interactions=COUNT,
    users=COUNT,
    unknownItemShare=SHARE_OR_NULL,
    unknownUserShare=SHARE_OR_NULL,
    hours=described(INTEGER, "Required duration above the threshold."),
    figures=_DRIFT_FIGURES,
    checks=objects_of(name=TEXT, share=SHARE_OR_NULL, bound=NUMBER, rows=COUNT, failed=FLAG),
)
_QUARANTINE_GROUPS = objects_of(
    "The most frequent first.",
    kind=TEXT,
    reason=described(TEXT, "Reason without values, which may be personal."),
    records=COUNT,
    oldestMs=TIME_MS,
    latestMs=TIME_MS,
    exampleId=described(TEXT, "ID for `alsolike quarantine show`."),
)
_ARMS = objects_of(
    name=TEXT,
    share=SHARE,
    control=FLAG,
    users=COUNT,
    answers=COUNT,
    value=NUMBER_OR_NULL,
    lift=NUMBER_OR_NULL,
    liftLow=NUMBER_OR_NULL,
    liftHigh=NUMBER_OR_NULL,
    pValue=SHARE_OR_NULL,
)
_EXPERIMENTS = objects_of(
    name=TEXT,
    layer=TEXT_OR_NULL,
    state=one_of(("planned", "running", "ended")),
    startMs=TIME_MS,
    endMs=TIME_MS_OR_NULL,
    metric=TEXT,
    verdict=TEXT_OR_NULL,
    winner=TEXT_OR_NULL,
    sampleRatioPValue=SHARE_OR_NULL,
    partial=described(FLAG, "Whether the time was too short to read all days."),
    arms=_ARMS,
)
_INCOMPLETE = objects_of(
    "Recommenders and filters with empty or short responses in the period, most empty ones first.",
    recommender=TEXT,
    filter=described(TEXT, "Name of the filter, or `none`."),
    empty=described(COUNT, "Responses without items."),
    short=described(COUNT, "Responses with fewer items than requested."),
)
_CONDITION = object_of(
    "Null for an alarm that combines others.",
    metric=TEXT,
    threshold=described(NUMBER, "The alarm starts above this value."),
    breaching=described(COUNT, "Number of periods above the threshold."),
    periods=described(COUNT, "Number of evaluated periods."),
    periodS=described(COUNT, "Seconds."),
)
_ALARMS = objects_of(
    id=described(TEXT, "Name in the runbooks."),
    name=described(TEXT, "Name in CloudWatch."),
    state=one_of(("OK", "ALARM", "INSUFFICIENT_DATA")),
    severity=one_of(("critical", "warning"), "Critical: shoppers see the errors."),
    condition=or_null(_CONDITION),
    combines=list_of(TEXT, "IDs of the alarms that it combines."),
    reason=TEXT,
    changedMs=TIME_MS,
    description=described(TEXT, "Meaning, and page with the instructions."),
    runbook=described(TEXT_OR_NULL, "Page in docs/runbooks."),
)
_LOAD = object_of(
    **dict.fromkeys(("users", "eventsPerDay", "requestsPerDay", "items"), COUNT),
    measured=described(FLAG, "Whether the load was measured instead of passed."),
)
_COST_LINES = objects_of(
    service=TEXT,
    what=TEXT,
    kind=one_of(("fixed", "usage")),
    quantity=NUMBER,
    unit=TEXT,
    unitPrice=NUMBER,
    dollars=NUMBER,
)
_ISO_DATE: Schema = {"type": "string", "format": "date"}

_OBSERVED = {
    "EngagementReport": object_of(
        **{"from": _ISO_DATE},
        to=_ISO_DATE,
        by=one_of(BY),
        totals=_ENGAGEMENT_ROWS,
        days=objects_of(date=_ISO_DATE, rows=_ENGAGEMENT_ROWS),
        rejected=map_of(COUNT, "Number of events with a recommendation ID that did not count, by reason."),
    ),
    "Increments": object_of(holdout=or_null(_HOLDOUT)),
    "DriftReport": object_of(looked=or_null(_DRIFT_CHECK)),
    "QuarantineReport": object_of(
        objects=described(COUNT, "Number of read objects."),
        records=COUNT,
        truncated=described(FLAG, "Whether more objects exist than were read."),
        groups=_QUARANTINE_GROUPS,
    ),
    "Experiments": object_of(experiments=_EXPERIMENTS),
    "Traffic": object_of(
        fromMs=TIME_MS,
        untilMs=TIME_MS,
        periodS=described(INTEGER, "Seconds between points."),
        series=_SERIES,
        incomplete=_INCOMPLETE,
    ),
    "Alarms": object_of(alarms=_ALARMS),
    "Cost": object_of(
        currency=one_of(["USD"]),
        pricesOf=described(TEXT, "Date of the price table."),
        region=TEXT,
        load=_LOAD,
        lines=_COST_LINES,
        fixedDollars=NUMBER,
        usageDollars=NUMBER,
        dollars=NUMBER,
        personalizeDollars=NUMBER_OR_NULL,
        savings=objects_of("The largest first.", setting=TEXT, what=TEXT, dollars=NUMBER),
        remarks=list_of(TEXT, "Omissions, assumptions and unconfirmed prices."),
    ),
}

_FIGURE = described(NUMBER_OR_NULL, "Figure on the hold-out, or null if it was not stored.")
_CHAMPION = object_of(
    etag=described(TEXT, "Value for `etag` of a change that requires an unchanged pointer."),
    version=TEXT,
    previous=described(TEXT_OR_NULL, "Version that a rollback restores."),
    history=objects_of("The latest first.", version=TEXT, promotedMs=TIME_MS, reason=TEXT),
    canary=or_null(object_of(version=TEXT, share=NUMBER, startedMs=TIME_MS)),
    held=described(TEXT_OR_NULL, "Reason why automatic promotions are paused."),
    pinned=list_of(TEXT, "Pinned versions."),
)
_VERSION = object_of(
    version=TEXT,
    status=one_of(STATUSES),
    algorithm=TEXT,
    createdMs=TIME_MS,
    items=INTEGER,
    pinned=FLAG,
    forced=described(FLAG, "Whether an operator promoted it against the gate's decision."),
    damaged=list_of(TEXT, "Missing and damaged files, which `alsolike models repair` restores."),
    approval=TEXT,
    hr=_FIGURE,
    ndcg=_FIGURE,
    coverage=_FIGURE,
)
_CANDIDATES = objects_of(
    "The best first.",
    algorithm=TEXT,
    hr=_FIGURE,
    ndcg=_FIGURE,
    mrr=_FIGURE,
    coverage=_FIGURE,
    fitS=NUMBER_OR_NULL,
    winner=FLAG,
)
_DECISION = object_of(
    verdict=one_of([APPROVED, WAITING, REJECTED]),
    decidedMs=TIME_MS,
    champion=described(TEXT_OR_NULL, "Version of the comparison."),
    forced=described(TEXT_OR_NULL, "Reason for the forced promotion."),
    checks=objects_of(name=TEXT, passed=FLAG, figures=TEXT),
)
_STATE = one_of([GOING, PROMOTED, ROLLED_BACK])
_CANARY = object_of(
    state=_STATE,
    champion=TEXT_OR_NULL,
    share=NUMBER,
    startedMs=TIME_MS,
    endsMs=TIME_MS,
    reasons=list_of(TEXT),
    looks=objects_of("The earliest first.", atMs=TIME_MS, state=_STATE, reasons=list_of(TEXT)),
)
_OUTCOMES = [PROMOTED, WAITING, REJECTED, ROLLED_BACK.replace("_", " "), BUSY]
_RUNS = objects_of(
    "The latest first.",
    id=TEXT,
    status=one_of(RUN_STATUSES),
    outcome={"enum": [*_OUTCOMES, None], "description": "Null while it runs and after a failure."},
    startedMs=TIME_MS,
    endedMs=TIME_MS_OR_NULL,
    reason=described(TEXT_OR_NULL, "Reason for the start."),
    version=described(TEXT_OR_NULL, "Model version of the run."),
    cause=described(TEXT_OR_NULL, "Failed step, error and cause."),
    log=described(TEXT_OR_NULL, "Last line of the training job's log while the run is active."),
    states=objects_of(
        "States from first entry to last exit; empty if reading them took too long.",
        name=TEXT,
        enteredMs=TIME_MS,
        leftMs=TIME_MS_OR_NULL,
    ),
)

_OPERATED = {
    "Models": object_of(
        champion=or_null(_CHAMPION),
        versions=list_of(_VERSION, "The latest first."),
        trialSharePercent=described(INTEGER, "Share of users with the canary version; 0 without a canary."),
    ),
    "ModelStory": object_of(
        version=_VERSION,
        datasetId=TEXT_OR_NULL,
        lastEventMs=TIME_MS_OR_NULL,
        candidates=_CANDIDATES,
        decision=or_null(_DECISION),
        canary=or_null(_CANARY),
        promotions=objects_of("The latest first.", promotedMs=TIME_MS, reason=TEXT),
    ),
    "Champion": _CHAMPION,
    "Promotion": object_of(
        champion=described(or_null(_CHAMPION), "Null if a canary comes first."),
        runId=described(TEXT_OR_NULL, "Run of the canary."),
        warnings=list_of(TEXT, "Step that failed after the promotion."),
    ),
    "Trainings": object_of(runs=_RUNS),
    "StartedTraining": object_of(id=TEXT),
    "SessionToken": object_of(token=TEXT, sessionId=TEXT, expiresInS=INTEGER),
}

_PERIOD: dict[str, Schema] = {
    "from": described(TEXT, "Start, a day or a time with its zone."),
    "until": described(TEXT, "End, a day (inclusive) or a time with its zone."),
}
_FACTORS = list_of(object_of(filter=TEXT, factor=NUMBER_OR_NULL, optional=_PERIOD))
_RULE_SET = object_of(
    optional={
        "promotions": list_of(object_of(filter=TEXT, share=NUMBER_OR_NULL, optional={"name": TEXT, **_PERIOD})),
        "boosts": _FACTORS,
        "demotions": _FACTORS,
        "pins": list_of(object_of(item=TEXT, position=NUMBER_OR_NULL, optional=_PERIOD)),
        "slate": list_of(
            object_of(column=TEXT, optional={"at_most": NUMBER_OR_NULL, "spread": NUMBER_OR_NULL, **_PERIOD})
        ),
        "diversity": or_null(object_of(dial=NUMBER_OR_NULL, columns=list_of(TEXT))),
        "exploration": or_null(object_of(share=NUMBER_OR_NULL, new_for_days=NUMBER_OR_NULL)),
    },
)
_DRAFT = object_of(
    filters=map_of(TEXT, "Expressions by name."),
    recommenders=map_of(object_of(optional={"filter": TEXT_OR_NULL, "rules": TEXT_OR_NULL, "swaps": NUMBER})),
    rules=map_of(_RULE_SET, "Rule sets by name."),
)
_FAULTS = objects_of(path=described(TEXT, "Such as `rules.spring.pins[0].item`."), message=TEXT)
_CHANGES = objects_of(path=TEXT, removed=list_of(TEXT), added=list_of(TEXT))
_ESTIMATE = or_null(object_of(value=NUMBER, low=NUMBER, high=NUMBER))
_OUTCOME_FORECASTS = objects_of(
    name=described(TEXT, "`clicks`, `purchases`, `revenue` or `margin`."),
    present=described(_ESTIMATE, "By the live configuration, per response, with 95% interval."),
    draft=described(_ESTIMATE, "By the draft."),
    difference=described(_ESTIMATE, "Doubly robust estimate of the draft minus the present."),
    self_normalised=described(_ESTIMATE, "Difference by self-normalised inverse propensities."),
    effective=described(NUMBER, "Effective number of outcomes."),
    missing=described(TEXT_OR_NULL, "Missing evidence. The estimates are then null."),
)
_FORECAST = object_of(
    recommender=TEXT,
    days=described(INTEGER, "Number of days of the recommendation log."),
    skipped=map_of(INTEGER, "Number of logged requests that cannot be answered again, by reason."),
    responses=described(INTEGER, "Number of logged responses."),
    users=INTEGER,
    changed=described(NUMBER, "Share of the lists that the draft changes."),
    support=described(NUMBER, "Share of the expected attention to the draft's lists with logged outcomes."),
    pairs=described(INTEGER, "Number of pairs in random order with a click."),
    outcomes=_OUTCOME_FORECASTS,
)
_PREVIEWED = list_of(
    object_of(itemId=TEXT, score=NUMBER, origin=TEXT, optional={"propensity": NUMBER, "metadata": map_of(TEXT)})
)

_RULES = {
    "Rules": object_of(
        version=INTEGER,
        draft=_DRAFT,
        recommenders=list_of(TEXT, "All recommenders that can have a rule set."),
        columns=map_of(one_of([kind.value for kind in ColumnType]), "Types of the items' columns."),
        arms=map_of(list_of(TEXT), "Arms of experiments by rule set, without ended experiments."),
        readOnly=described(FLAG, "True if the operator may not publish."),
    ),
    "RuleCheck": object_of(
        version=described(INTEGER, "The live version."),
        errors=described(_FAULTS, "Errors, with which the draft cannot be published."),
        warnings=_FAULTS,
        changes=described(_CHANGES, "Differences between the live rules and the draft."),
        meanwhile=described(_CHANGES, "Changes of the live rules since the version of the draft."),
    ),
    "RuleHistory": object_of(
        versions=objects_of(
            "Versions that changed the rules, the latest first.",
            version=INTEGER,
            previous=described(INTEGER, "Version before the changes."),
            appliedMs=TIME_MS,
            by=TEXT,
            reason=TEXT,
            changes=_CHANGES,
        )
    ),
    "PublishedRules": object_of(version=INTEGER),
    "RulesPreview": object_of(
        recommender=TEXT,
        rules=described(TEXT_OR_NULL, "Rule set of `after`."),
        before=_PREVIEWED,
        beforeIsLive=described(FLAG, "True: `before` is the live list. False: the list without rules."),
        after=_PREVIEWED,
        unmetRules=list_of(TEXT, "Unmet rules with reasons."),
        degraded=list_of(TEXT),
        source=TEXT,
        modelVersion=TEXT,
    ),
    "StartedForecast": object_of(forecastId=TEXT),
    "ForecastRecord": object_of(
        state=one_of(STATES),
        startedMs=TIME_MS,
        step=described(TEXT_OR_NULL, "Current or last step."),
        share=described(NUMBER_OR_NULL, "Completed share of the step."),
        reason=described(TEXT_OR_NULL, "Reason of a failure."),
        forecast=or_null(_FORECAST),
    ),
}

OPERATOR_ANSWERS = MappingProxyType({**_OBSERVED, **_OPERATED, **_RULES})
