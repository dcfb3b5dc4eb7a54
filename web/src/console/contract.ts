/**
 * Responses of the operator's routes. Times are milliseconds since 1970, shares are from 0 to 1, null is "not known".
 * All routes want the scope `alsolike/admin`. Errors have Personalize's shape.
 */

/** A time and a value there; null where nothing was counted. */
export type Point = readonly [timeMs: number, value: number | null];

/** `GET /operator/traffic?minutes=60`: what the API and the consumers did. */
export interface Traffic {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly periodS: number;
  readonly series: {
    readonly requests: readonly Point[];
    readonly clientErrors: readonly Point[];
    readonly serverErrors: readonly Point[];
    /** Milliseconds. */
    readonly latencyP50: readonly Point[];
    readonly latencyP95: readonly Point[];
    readonly latencyP99: readonly Point[];
    readonly answers: readonly Point[];
    readonly degradedAnswers: readonly Point[];
    readonly eventsAccepted: readonly Point[];
    readonly requestsRejected: readonly Point[];
    readonly recordsQuarantined: readonly Point[];
    /** Milliseconds: how long the oldest event that a consumer has not read has waited. */
    readonly iteratorAge: readonly Point[];
  };
}

/** `GET /operator/alarms`: the alarms of the deployment, those that ring first. */
export interface Alarms {
  readonly alarms: readonly Alarm[];
}

export interface Alarm {
  readonly name: string;
  readonly state: "OK" | "ALARM" | "INSUFFICIENT_DATA";
  readonly composite: boolean;
  readonly reason: string;
  readonly changedMs: number;
  /** Its meaning, and the runbook for it. */
  readonly description: string;
  /** The runbook's name, such as `errors`. */
  readonly runbook: string | null;
}

/** `GET /operator/engagement?days=14&by=all|recommender|model|arm`: what answers led to. */
export interface Engagement {
  /** Days, ISO 8601, both included. */
  readonly from: string;
  readonly to: string;
  readonly by: "all" | "recommender" | "model" | "arm";
  readonly totals: readonly EngagementRow[];
  readonly days: readonly { readonly date: string; readonly rows: readonly EngagementRow[] }[];
  /** Number of events that name answers and did not count, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
}

export interface EngagementRow {
  readonly name: string;
  readonly answers: number;
  readonly impressions: number;
  readonly clicks: number;
  readonly carts: number;
  readonly purchases: number;
  readonly revenue: number;
  readonly clickThrough: number | null;
  readonly conversion: number | null;
  readonly revenuePerThousand: number | null;
  readonly coverage: number | null;
  /** Bits. */
  readonly novelty: number | null;
  readonly newItemShare: number | null;
  readonly degradedShare: number | null;
}

/**
 * `GET /operator/models?limit=50`: the latest versions, the latest first, and who is champion. Older ones that the
 * champion pointer names are there beyond the limit.
 */
export interface Models {
  readonly champion: Champion | null;
  readonly versions: readonly ModelVersion[];
  /** Percentage of users who get a version on trial; 0 if this deployment runs no trials. */
  readonly trialSharePercent: number;
}

/**
 * The champion pointer; what the POST routes of models answer, too: promotion (in `Promotion`), `/operator/rollbacks`,
 * `/operator/models/resume`, and `/operator/models/{version}/pin` and `/unpin`, which take `{etag?}`.
 */
export interface Champion {
  /**
   * Version of the pointer. A POST with the `etag` that its caller saw is answered 409 if the pointer has changed
   * since. Without one, it acts on the current champion.
   */
  readonly etag: string;
  readonly version: string;
  /** The version that a rollback restores. */
  readonly previous: string | null;
  readonly history: readonly { readonly version: string; readonly promotedMs: number; readonly reason: string }[];
  /** The version on trial. */
  readonly canary: { readonly version: string; readonly share: number; readonly startedMs: number } | null;
  /** Why new versions do not become champion by themselves. */
  readonly held: string | null;
  readonly pinned: readonly string[];
}

export interface ModelVersion {
  readonly version: string;
  readonly status: "champion" | "canary" | "previous" | "rejected" | "retired" | "kept";
  readonly algorithm: string;
  readonly createdMs: number;
  readonly items: number;
  readonly pinned: boolean;
  /** True if an operator promoted it although the gate had rejected it. */
  readonly forced: boolean;
  readonly approval: string;
  /** Figures of the hold-out. */
  readonly hr: number | null;
  readonly ndcg: number | null;
  readonly coverage: number | null;
}

/** `GET /operator/models/{version}`: all that is known of one. */
export interface ModelStory {
  readonly version: ModelVersion;
  readonly datasetId: string | null;
  readonly lastEventMs: number | null;
  readonly candidates: readonly {
    readonly algorithm: string;
    readonly hr: number | null;
    readonly ndcg: number | null;
    readonly mrr: number | null;
    readonly coverage: number | null;
    readonly fitS: number | null;
    readonly winner: boolean;
  }[];
  readonly decision: GateDecision | null;
  readonly canary: {
    readonly state: "going" | "promoted" | "rolled_back";
    readonly champion: string | null;
    readonly share: number;
    readonly startedMs: number;
    readonly endsMs: number;
    readonly reasons: readonly string[];
    readonly looks: readonly { readonly atMs: number; readonly state: string; readonly reasons: readonly string[] }[];
  } | null;
  readonly promotions: readonly { readonly promotedMs: number; readonly reason: string }[];
}

export interface GateDecision {
  readonly verdict: "approved" | "rejected";
  readonly decidedMs: number;
  readonly champion: string | null;
  readonly forced: string | null;
  readonly checks: readonly { readonly name: string; readonly passed: boolean; readonly figures: string }[];
}

/** `POST /operator/models/{version}/promotion` with `{reason, canary?, force?, etag?}`: one of the two is there. */
export interface Promotion {
  readonly champion: Champion | null;
  /** Id of the run that tries the version next to the champion. */
  readonly runId: string | null;
  /** What did not succeed after the version had become champion. */
  readonly warnings: readonly string[];
}

/**
 * `POST /operator/rollbacks` with `{reason, canary?, champion?, etag?}` answers the `Champion`. While a version is on
 * trial one of `canary` (end the trial) and `champion` (end it, and take the champion back as well) has to be true.
 */

/** `GET /operator/trainings?limit=20`: runs of the workflow, the latest first. */
export interface Trainings {
  readonly runs: readonly TrainingRun[];
}

export interface TrainingRun {
  readonly id: string;
  readonly status: "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED";
  /**
   * What became of it: `promoted`, `rejected`, `rolled back` or `busy`; null while it goes on, where it failed, and
   * where there was no time to read its history (then `states` is empty, too).
   */
  readonly outcome: string | null;
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly reason: string | null;
  readonly version: string | null;
  /** Why it failed: step, error and cause in one line. */
  readonly cause: string | null;
  /**
   * In the order in which they were first entered, each once: a trial goes through some of them hundreds of times.
   * From when it was first entered to when it was last left; null while the run is in it.
   */
  readonly states: readonly { readonly name: string; readonly enteredMs: number; readonly leftMs: number | null }[];
}

/**
 * `POST /operator/trainings` with `{reason?, clientToken?}` answers `{id}`; calls with the same `clientToken` start one
 * run. 409 while another run goes on.
 */
export interface StartedTraining {
  readonly id: string;
}

/** `GET /operator/drift`: what monitoring found when it last looked; `looked` is null before its first look. */
export interface DriftAnswer {
  readonly looked: Drift | null;
}

export interface Drift {
  readonly lookedMs: number;
  readonly champion: string | null;
  readonly championAgeHours: number | null;
  readonly lakeSilentHours: number | null;
  readonly interactions: number;
  readonly users: number;
  readonly unknownItemShare: number | null;
  readonly unknownUserShare: number | null;
  readonly threshold: number;
  readonly hours: number;
  readonly figures: readonly {
    readonly name: string;
    readonly value: number | null;
    readonly byChance: number | null;
    readonly reason: string | null;
    readonly aboveSinceMs: number | null;
    /** The PSI at the looks of the last days, from the metric. */
    readonly history: readonly Point[];
  }[];
  readonly checks: readonly {
    readonly name: string;
    readonly share: number | null;
    readonly bound: number;
    readonly rows: number;
    readonly failed: boolean;
  }[];
}

/** `GET /operator/quarantine`: what is held back, by reason, the most frequent first. */
export interface Quarantine {
  /** How many were read. */
  readonly objects: number;
  readonly records: number;
  /** Whether there are more objects than were read. */
  readonly truncated: boolean;
  readonly groups: readonly {
    readonly kind: string;
    /** Without values: those may be personal. */
    readonly reason: string;
    readonly records: number;
    readonly oldestMs: number;
    readonly latestMs: number;
    /** For `alsolike quarantine show ID`. */
    readonly exampleId: string;
  }[];
}

/** `GET /operator/experiments`: the configuration's experiments with what they found so far. */
export interface Experiments {
  readonly experiments: readonly Experiment[];
}

export interface Experiment {
  readonly name: string;
  readonly layer: string | null;
  readonly state: "planned" | "running" | "ended";
  readonly startMs: number;
  readonly endMs: number | null;
  readonly metric: string;
  readonly verdict: string | null;
  readonly winner: string | null;
  /** Null before the first user is in an arm. */
  readonly sampleRatioPValue: number | null;
  /** Whether there was no time to read all its days, so that the figures are of the first ones. */
  readonly partial: boolean;
  readonly arms: readonly {
    readonly name: string;
    readonly share: number;
    readonly control: boolean;
    readonly users: number;
    readonly answers: number;
    readonly value: number | null;
    readonly lift: number | null;
    readonly liftLow: number | null;
    readonly liftHigh: number | null;
    readonly pValue: number | null;
  }[];
}

/** `GET /operator/rules`: the rule sets, with the recommenders that they apply to. */
export interface Rules {
  readonly ruleSets: readonly {
    readonly name: string;
    readonly parts: Readonly<Record<string, number>>;
    readonly recommenders: readonly string[];
  }[];
}

/** `POST /operator/rules/preview` with `{userId?, itemId?, recommender?, rules?, numResults?, metadata?}`. */
export interface RulesPreview {
  readonly recommender: string;
  readonly rules: string | null;
  readonly before: readonly PreviewedItem[];
  readonly after: readonly PreviewedItem[];
  readonly gave: readonly string[];
  readonly degraded: readonly string[];
  readonly source: string;
  readonly modelVersion: string;
}

export interface PreviewedItem {
  readonly itemId: string;
  readonly score: number;
  readonly origin: string;
  readonly propensity?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** `GET /operator/cost?users=&eventsPerDay=&requestsPerDay=&items=`: a month's bill; without a load, of the load of the last day. */
export interface Cost {
  readonly currency: "USD";
  readonly pricesOf: string;
  readonly region: string;
  readonly load: {
    readonly users: number;
    readonly eventsPerDay: number;
    readonly requestsPerDay: number;
    readonly items: number;
    /** True if the value was measured, not stated. */
    readonly measured: boolean;
  };
  readonly lines: readonly {
    readonly service: string;
    readonly what: string;
    readonly kind: "fixed" | "usage";
    readonly quantity: number;
    readonly unit: string;
    readonly unitPrice: number;
    readonly dollars: number;
  }[];
  readonly fixedDollars: number;
  readonly usageDollars: number;
  readonly dollars: number;
  readonly personalizeDollars: number | null;
  readonly savings: readonly { readonly setting: string; readonly what: string; readonly dollars: number }[];
  /** Costs that are not counted, assumptions, and prices that no page confirmed. */
  readonly remarks: readonly string[];
}
