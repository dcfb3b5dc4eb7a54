import type {
  Alarms,
  Champion,
  Cost,
  DriftReport,
  EngagementReport,
  EngagementRow,
  Experiments,
  ForecastRecord,
  Increments,
  ModelStory,
  Models,
  ModelVersion,
  Point,
  QuarantineReport,
  RuleCheck,
  RuleHistory,
  Rules,
  RulesPreview,
  Traffic,
  Trainings,
} from "../contract";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
export const NOW = Math.floor(Date.now() / MINUTE) * MINUTE;

const wave = (base: number, swing: number, seed: number, digits = 0): Point[] =>
  Array.from({ length: 60 }, (_, at) => [
    NOW - (59 - at) * MINUTE,
    Number((base + swing * (Math.sin(at / 7 + seed) + 0.4 * Math.sin(at * 1.7 + seed))).toFixed(digits)),
  ]);
const flat = (value: number | null): Point[] =>
  Array.from({ length: 60 }, (_, at) => [NOW - (59 - at) * MINUTE, value]);
const burst = (at: number, value: number): Point[] =>
  flat(0).map(([timeMs], i) => [timeMs, i >= at && i < at + 4 ? value : 0]);

export const trafficResponse: Traffic = {
  fromMs: NOW - HOUR,
  untilMs: NOW,
  periodS: 60,
  series: {
    requests: wave(1420, 240, 0),
    clientErrors: burst(40, 22),
    serverErrors: burst(21, 4),
    latencyP50: wave(14, 1.5, 1, 1),
    latencyP95: wave(38, 6, 2, 1),
    latencyP99: wave(92, 21, 3, 1),
    answers: wave(980, 150, 0),
    degradedAnswers: burst(20, 31),
    eventsAccepted: wave(3100, 700, 4),
    eventsRejected: burst(44, 60),
    recordsQuarantined: burst(50, 9),
    iteratorAge: wave(820, 240, 5),
  },
  incomplete: [
    { recommender: "for-you", filter: "in-stock", empty: 31, short: 112 },
    { recommender: "similar-items", filter: "none", empty: 0, short: 4 },
  ],
};

export const alarmsResponse: Alarms = {
  alarms: [
    {
      id: "Quarantine",
      name: "alsolike-dev-lake-Quarantine23FF09FE-455F83271A2B",
      state: "ALARM",
      severity: "warning",
      condition: { metric: "RecordsQuarantined", threshold: 25, breaching: 1, periods: 1, periodS: 900 },
      combines: [],
      reason: "Threshold Crossed: 1 datapoint [37.0] was greater than the threshold (25.0).",
      changedMs: NOW - 18 * MINUTE,
      description: "Many records of the stream cannot be read: docs/runbooks/quarantine.md",
      runbook: "quarantine",
    },
    {
      id: "ShopSeesErrors",
      name: "alsolikedevobservabilityShopSeesErrors8534EEDC",
      state: "OK",
      severity: "critical",
      condition: null,
      combines: ["ApiErrors", "ApiSlow", "Degraded"],
      reason: "",
      changedMs: NOW - 9 * HOUR,
      description: "the shop receives errors or degraded responses: docs/runbooks/errors.md",
      runbook: "errors",
    },
    ...(
      [
        ["ApiErrors", "Requests that fail, percent", 1],
        ["ApiSlow", "p99 latency, ms", 1000],
        ["Degraded", "Answers that are degraded, percent", 5],
        ["Drift", "FiguresDrifted", 0],
      ] as const
    ).map(([id, metric, threshold], at) => ({
      id,
      name: `alsolike-dev-observability-${id}8A265993-5C782B1C0D1E`,
      state: id === "Drift" ? ("INSUFFICIENT_DATA" as const) : ("OK" as const),
      severity: id === "Drift" ? ("warning" as const) : ("critical" as const),
      condition: { metric, threshold, breaching: 2, periods: 3, periodS: 300 },
      combines: [],
      reason: "",
      changedMs: NOW - (at + 2) * 9 * HOUR,
      description: `${id} is above its limit: docs/runbooks/${id === "Drift" ? "drift" : "errors"}.md`,
      runbook: id === "Drift" ? "drift" : "errors",
    })),
  ],
};

const version = (day: number, status: ModelVersion["status"], algorithm: string, ndcg: number): ModelVersion => ({
  version: `202611${String(day).padStart(2, "0")}-031500-a${day}f3`,
  status,
  algorithm,
  createdMs: NOW - (26 - day) * DAY,
  items: 48_213 + day * 17,
  pinned: day === 19,
  forced: day === 23,
  damaged: day === 19 ? ["graph.onnx is missing"] : [],
  approval: status === "rejected" ? "Rejected" : "Approved",
  hr: ndcg * 1.62,
  ndcg,
  coverage: 0.31 + ndcg,
});

export const versions = [
  version(26, "rejected", "EASE", 0.0712),
  version(25, "champion", "blend", 0.1184),
  version(24, "previous", "EASE", 0.1131),
  version(23, "kept", "SASRec", 0.1102),
  version(19, "kept", "item-kNN", 0.0945),
  version(12, "retired", "popularity", 0.0421),
] as const;

export const champion: Champion = {
  etag: '"5d41402abc4b2a76"',
  version: versions[1].version,
  previous: versions[2].version,
  history: [
    { version: versions[2].version, promotedMs: NOW - 2 * DAY, reason: "the canary held" },
    {
      version: versions[1].version,
      promotedMs: NOW - 20 * HOUR,
      reason: "the canary held: click-through 5.1% against 4.9%",
    },
  ],
  canary: null,
  held: null,
  pinned: [versions[4].version],
};

export const modelsResponse: Models = { champion, versions, trialSharePercent: 10 };

/** The models of `modelsResponse`, without damaged files. */
export const soundModels: Models = {
  ...modelsResponse,
  versions: modelsResponse.versions.map((version) => ({ ...version, damaged: [] })),
};

const checks = [
  ["version", true, "the bundle is of this run"],
  ["parity", true, "largest difference 0.0000012 on 1,000 histories"],
  ["enough data", true, "1,204,551 interactions of 38,112 users; at least 1,000 of 50"],
  ["latest training event", true, "2 h ago; at most 30 days"],
  [
    "against the champion",
    false,
    "NDCG@10 0.0712 against 0.1184 of 4,211 users: -39.9% [-44.1%, -35.2%]; at most 5% below",
  ],
  ["coverage", true, "41.2% of the items; at least 1%"],
  ["latency", true, "4.2 ms; at most 50 ms"],
] as const;

const modelDetails = (name: string): ModelStory => {
  const details = versions.find(({ version }) => version === name) ?? versions[1];
  const rejected = details.status === "rejected";
  return {
    version: details,
    datasetId: `dataset-${name.slice(0, 15)}`,
    lastEventMs: details.createdMs - 2 * HOUR,
    candidates: [
      { algorithm: "blend", hr: 0.192, ndcg: 0.1184, mrr: 0.098, coverage: 0.43, fitS: 81, winner: true },
      { algorithm: "EASE", hr: 0.181, ndcg: 0.1131, mrr: 0.092, coverage: 0.41, fitS: 44.2, winner: false },
      { algorithm: "SASRec", hr: 0.178, ndcg: 0.1102, mrr: 0.09, coverage: 0.38, fitS: 610, winner: false },
      { algorithm: "item-kNN", hr: 0.151, ndcg: 0.0945, mrr: 0.077, coverage: 0.52, fitS: 6.1, winner: false },
      { algorithm: "popularity", hr: 0.07, ndcg: 0.0421, mrr: 0.03, coverage: 0.01, fitS: 0.4, winner: false },
    ],
    decision: {
      verdict: rejected ? "rejected" : "approved",
      decidedMs: details.createdMs + 5 * MINUTE,
      champion: versions[2].version,
      forced: null,
      checks: checks.map(([check, passed, figures]) => ({ name: check, passed: passed || !rejected, figures })),
    },
    canary: rejected
      ? null
      : {
          state: "promoted",
          champion: versions[2].version,
          share: 0.1,
          startedMs: details.createdMs + 10 * MINUTE,
          endsMs: details.createdMs + 6 * HOUR,
          reasons: ["click-through 5.1% against 4.9%: no worse"],
          looks: [
            { atMs: details.createdMs + HOUR, state: "going", reasons: ["412 answers of 1,000"] },
            {
              atMs: details.createdMs + 5 * HOUR,
              state: "promoted",
              reasons: ["click-through 5.1% against 4.9%: no worse"],
            },
          ],
        },
    promotions: details.status === "champion" ? [{ promotedMs: NOW - 20 * HOUR, reason: "the canary held" }] : [],
  };
};

const states = (startedMs: number, names: readonly string[], tookS: readonly number[], going = false) => {
  let at = startedMs;
  return names.map((name, i) => {
    const enteredMs = at;
    at += (tookS[i] ?? 1) * 1000;
    return { name, enteredMs, leftMs: going && i === names.length - 1 ? null : at };
  });
};
const ALL = ["AwaitTurn", "BuildDataset", "Train", "RegisterModel", "StartCanary", "WatchCanary", "Promote"];

export const trainingsResponse: Trainings = {
  runs: [
    {
      id: "by-hand-20261126-0503",
      status: "RUNNING",
      outcome: null,
      startedMs: NOW - 9 * MINUTE,
      endedMs: null,
      reason: "new assortment",
      version: null,
      cause: null,
      log: "[ 431.2 s] SASRec: epoch 7 of 20, validation ndcg 0.1093",
      states: states(NOW - 9 * MINUTE, ALL.slice(0, 3), [2, 74, 460], true),
    },
    {
      id: "daily-20261126",
      status: "SUCCEEDED",
      outcome: "rejected",
      startedMs: NOW - 3 * HOUR,
      endedMs: NOW - 2.7 * HOUR,
      reason: "schedule",
      version: versions[0].version,
      cause: null,
      log: null,
      states: states(NOW - 3 * HOUR, ALL.slice(0, 4), [1, 82, 960, 12]),
    },
    {
      id: "daily-20261125",
      status: "SUCCEEDED",
      outcome: "promoted",
      startedMs: NOW - 27 * HOUR,
      endedMs: NOW - 20 * HOUR,
      reason: "schedule",
      version: versions[1].version,
      cause: null,
      log: null,
      states: states(NOW - 27 * HOUR, ALL, [1, 80, 940, 11, 2, 21_600, 1]),
    },
    {
      id: "drift-20261124",
      status: "FAILED",
      outcome: null,
      startedMs: NOW - 50 * HOUR,
      endedMs: NOW - 49.8 * HOUR,
      reason: "item popularity is at 0.31",
      version: null,
      cause: "Train: InternalServerError: no capacity for ml.m7i.2xlarge in eu-central-1",
      log: null,
      states: states(NOW - 50 * HOUR, ALL.slice(0, 3), [1, 79, 420]),
    },
  ],
};

const row = (name: string, at: number, scale = 1): EngagementRow => {
  const answers = Math.round((41_000 + 6_000 * Math.sin(at)) * scale);
  const clicks = Math.round(answers * (0.047 + 0.006 * Math.sin(at / 2 + scale)));
  return {
    name,
    answers,
    impressions: answers,
    clicks,
    carts: Math.round(clicks * 0.22),
    purchases: Math.round(clicks * 0.08),
    revenue: Math.round(clicks * 2.7),
    clickThrough: clicks / answers,
    conversion: (clicks * 0.08) / answers,
    revenuePerThousand: (clicks * 2700) / answers,
    coverage: 0.41,
    novelty: 9.2,
    newItemShare: 0.06,
    degradedShare: 0.002,
  };
};

const NAMES: Readonly<Record<EngagementReport["by"], readonly string[]>> = {
  all: ["all"],
  recommender: ["for-you", "similar-items", "bought-together", "trending"],
  model: [versions[1].version, versions[2].version],
  arm: ["new-blend/control", "new-blend/treatment"],
};

const engagementOf = (by: EngagementReport["by"], days = 14): EngagementReport => {
  const dates = Array.from({ length: days }, (_, at) =>
    new Date(NOW - (days - 1 - at) * DAY).toISOString().slice(0, 10),
  );
  return {
    from: dates[0] ?? "",
    to: dates.at(-1) ?? "",
    by,
    totals: NAMES[by].map((name, at) => row(name, at, days / (at + 1))),
    days: dates.map((date, at) => ({
      date,
      rows: NAMES[by].map((name, which) => row(name, at + which, 1 / (which + 1))),
    })),
    rejected: { unknown_recommendation: 12, too_late: 40 },
  };
};

export const driftResponse: DriftReport = {
  looked: {
    lookedMs: NOW - 40 * MINUTE,
    champion: champion.version,
    championAgeHours: 20.4,
    lakeSilentHours: 0.2,
    interactions: 412_004,
    users: 21_332,
    unknownItemShare: 0.013,
    unknownUserShare: 0.11,
    hours: 24,
    figures: ["item_popularity", "category_popularity", "user_activity", "history_length", "top_score"].map(
      (name, at) => ({
        name,
        value: at === 4 ? null : at === 0 ? 0.231 : 0.03 + at * 0.02,
        byChance: 0.004,
        threshold: at === 4 ? null : 0.2,
        reason: at === 4 ? "no served scores in this time" : null,
        aboveSinceMs: at === 0 ? NOW - 7 * HOUR : null,
        history:
          at === 4
            ? []
            : Array.from(
                { length: 48 },
                (_, i): Point => [
                  NOW - (47 - i) * HOUR,
                  Number((at === 0 ? 0.1 + i * 0.0028 : 0.03 + at * 0.02 + 0.01 * Math.sin(i / 4)).toFixed(3)),
                ],
              ),
      }),
    ),
    checks: [
      { name: "event_type_unknown", share: 0, bound: 0.01, rows: 412_004, failed: false },
      { name: "value_missing", share: 0.031, bound: 0.05, rows: 18_220, failed: false },
      { name: "time_in_future", share: 0.021, bound: 0.01, rows: 412_004, failed: true },
    ],
  },
};

export const quarantineResponse: QuarantineReport = {
  objects: 14,
  records: 211,
  truncated: false,
  groups: [
    {
      kind: "record",
      reason: "eventType: expected one of view, cart, purchase",
      records: 188,
      oldestMs: NOW - 30 * HOUR,
      latestMs: NOW - 12 * MINUTE,
      exampleId: "7f3a9c21",
    },
    {
      kind: "batch",
      reason: "consumer gave up after 10 tries",
      records: 23,
      oldestMs: NOW - 6 * DAY,
      latestMs: NOW - 5 * DAY,
      exampleId: "b02e11aa",
    },
  ],
};

const experimentsResponse: Experiments = {
  experiments: [
    {
      name: "new-blend",
      layer: "ranking",
      state: "running",
      startMs: NOW - 9 * DAY,
      endMs: NOW + 5 * DAY,
      metric: "click-through",
      verdict: "better",
      winner: "treatment",
      sampleRatioPValue: 0.44,
      partial: true,
      arms: [
        {
          name: "control",
          share: 0.5,
          control: true,
          users: 20_114,
          answers: 91_022,
          value: 0.0471,
          lift: null,
          liftLow: null,
          liftHigh: null,
          pValue: null,
        },
        {
          name: "treatment",
          share: 0.3,
          control: false,
          users: 12_040,
          answers: 55_120,
          value: 0.0502,
          lift: 0.066,
          liftLow: 0.018,
          liftHigh: 0.114,
          pValue: 0.006,
        },
        {
          name: "diverse",
          share: 0.2,
          control: false,
          users: 8_003,
          answers: 36_400,
          value: 0.0466,
          lift: -0.011,
          liftLow: -0.062,
          liftHigh: 0.041,
          pValue: 0.61,
        },
      ],
    },
    {
      name: "spring-rules",
      partial: false,
      layer: null,
      state: "ended",
      startMs: NOW - 40 * DAY,
      endMs: NOW - 20 * DAY,
      metric: "conversion",
      verdict: "mismatch",
      winner: null,
      sampleRatioPValue: 0.00002,
      arms: [
        {
          name: "plain",
          share: 0.5,
          control: true,
          users: 9_114,
          answers: 31_022,
          value: 0.0071,
          lift: null,
          liftLow: null,
          liftHigh: null,
          pValue: null,
        },
        {
          name: "spring",
          share: 0.5,
          control: false,
          users: 7_040,
          answers: 25_120,
          value: 0.0072,
          lift: null,
          liftLow: null,
          liftHigh: null,
          pValue: null,
        },
      ],
    },
  ],
};

export const rulesResponse: Rules = {
  version: 7,
  draft: {
    filters: { sale: "INCLUDE ItemID WHERE Items.ON_SALE = true", own: 'INCLUDE ItemID WHERE Items.BRAND = "Orchard"' },
    recommenders: { "for-you": { filter: "sale", rules: "spring" }, "similar-items": { rules: "spring" } },
    rules: {
      spring: {
        boosts: [{ filter: "own", factor: 1.5, from: "2026-11-01", until: "2199-11-30" }],
        pins: [
          { item: "4711", position: 1, until: "2199-12-31" },
          { item: "15", position: 3 },
        ],
        promotions: [
          { filter: "sale", share: 0.2, name: "Sale" },
          { filter: "own", share: 0.1 },
        ],
        slate: [
          { column: "brand", at_most: 3 },
          { column: "price", spread: 5 },
        ],
        diversity: { dial: 0.2, columns: ["brand"] },
      },
      arm: { pins: [{ item: "8", position: 2 }] },
      plain: {},
    },
  },
  recommenders: ["for-you", "similar-items", "bought-together", "buy-again", "trending", "popular", "recently-viewed"],
  columns: { brand: "string", price: "number", onSale: "boolean" },
  arms: { arm: ["autumn-test/treatment"] },
  readOnly: false,
};

export const ruleCheckResponse: RuleCheck = {
  version: 7,
  errors: [{ path: "rules.spring.pins[1].position", message: "is 1, where another item is pinned already" }],
  warnings: [
    { path: "rules.spring.boosts[0].until", message: "is past, so the rule has no effect" },
    { path: "rules.spring.pins[0].item", message: "was deleted, so the rule has no effect" },
  ],
  changes: [
    {
      path: "rules.spring.pins",
      removed: ["item 15, position 3"],
      added: ["item 15, position 1"],
    },
  ],
  meanwhile: [],
};

export const ruleHistoryResponse: RuleHistory = {
  versions: [
    {
      version: 7,
      previous: 6,
      appliedMs: NOW - 3 * HOUR,
      by: "operator 5f0c2a",
      reason: "Orchard's spring campaign",
      changes: [{ path: "rules.spring.boosts", removed: [], added: ["filter own, factor 1.5"] }],
    },
    {
      version: 4,
      previous: 3,
      appliedMs: NOW - 9 * DAY,
      by: "arn:aws:sts::123456789012:assumed-role/dev",
      reason: "",
      changes: [{ path: "rules.plain", removed: [], added: ["no rules"] }],
    },
  ],
};

const item = (itemId: string, score: number, origin = "ranked") => ({
  itemId,
  score,
  origin,
  metadata: { BRAND: "Orchard", CATEGORY: "Fruit" },
});

const previewResponse: RulesPreview = {
  recommender: "for-you",
  rules: "spring",
  before: ["4711", "8", "15", "16", "23", "42"].map((id, at) => item(id, 0.91 - at * 0.07)),
  beforeIsLive: false,
  after: [
    item("99", 0, "pinned"),
    item("4711", 0.91),
    item("15", 0.77),
    item("8", 0.84),
    item("23", 0.63),
    item("77", 0.41, "promoted: Sale"),
  ],
  unmetRules: ["slate: price spread 5"],
  degraded: [],
  source: "model",
  modelVersion: champion.version,
};

const interval = (value: number, half: number) => ({ value, low: value - half, high: value + half });

export const forecastRecord: ForecastRecord = {
  state: "done",
  startedMs: NOW - 3 * MINUTE,
  step: "lists of the draft",
  share: null,
  reason: null,
  forecast: {
    recommender: "for-you",
    days: 28,
    skipped: { "parameters too long for the log": 12 },
    responses: 4_988,
    users: 2_104,
    changed: 0.83,
    support: 0.964,
    pairs: 412,
    outcomes: [
      {
        name: "clicks",
        present: interval(0.241, 0.012),
        draft: interval(0.252, 0.013),
        difference: interval(0.011, 0.006),
        self_normalised: interval(0.012, 0.007),
        effective: 903,
        missing: null,
      },
      {
        name: "revenue",
        present: null,
        draft: null,
        difference: null,
        self_normalised: null,
        effective: 31.2,
        missing: "not enough evidence: an effective number of 31 revenue, expected at least 50",
      },
    ],
  },
};

export const incrementsResponse: Increments = {
  holdout: {
    name: "holdout",
    startMs: NOW - 40 * DAY,
    endMs: null,
    report: {
      computedMs: NOW - 5 * HOUR,
      days: 39.8,
      users: 49_000,
      heldOutUsers: 1_000,
      attributedRevenue: 81_250,
      increments: [
        {
          metric: "orders",
          withRecommendations: 1.31,
          heldOut: 1.2,
          perUser: 0.11,
          low: 0.02,
          high: 0.2,
          total: 5_390,
          totalLow: 980,
          totalHigh: 9_800,
          daysUntilInterval: 39.8,
          waits: [
            { precision: 0.1, days: 22.4 },
            { precision: 0.05, days: 89.6 },
          ],
        },
        {
          metric: "revenue",
          withRecommendations: 41.2,
          heldOut: 39.8,
          perUser: 1.4,
          low: -3.1,
          high: 5.9,
          total: 68_600,
          totalLow: -151_900,
          totalHigh: 289_100,
          daysUntilInterval: 39.8,
          waits: [
            { precision: 0.1, days: 50.9 },
            { precision: 0.05, days: 203.5 },
          ],
        },
      ],
    },
  },
};

const costResponse: Cost = {
  currency: "USD",
  pricesOf: "2026-11-01",
  region: "eu-central-1",
  load: { users: 50_000, eventsPerDay: 200_000, requestsPerDay: 100_000, items: 20_000, measured: true },
  lines: [
    {
      service: "Kinesis",
      what: "a shard, provisioned",
      kind: "fixed",
      quantity: 730,
      unit: "shard-hours",
      unitPrice: 0.018,
      dollars: 13.14,
    },
    {
      service: "CloudWatch",
      what: "alarms",
      kind: "fixed",
      quantity: 19,
      unit: "alarms",
      unitPrice: 0.1,
      dollars: 1.9,
    },
    {
      service: "API Gateway",
      what: "HTTP API requests",
      kind: "usage",
      quantity: 9_125_000,
      unit: "requests",
      unitPrice: 0.0000012,
      dollars: 10.95,
    },
    {
      service: "Lambda",
      what: "recommend: compute",
      kind: "usage",
      quantity: 182_000,
      unit: "GB-s",
      unitPrice: 0.0000133334,
      dollars: 2.43,
    },
  ],
  fixedDollars: 15.04,
  usageDollars: 13.38,
  dollars: 28.42,
  personalizeDollars: 412.5,
  savings: [
    {
      setting: "stream_mode: on-demand",
      what: "you pay only for written data; dearer above 3 million events a day",
      dollars: 6.2,
    },
  ],
  remarks: [
    "not counted: visits of the pages, which CloudFront charges by requests and bytes",
    "not confirmed by any page that could be read: the prices s3_infrequent_gb",
  ],
};

export function responseOf(path: string, query: Readonly<Record<string, string | undefined>> = {}): unknown {
  const version = path.match(/^\/operator\/models\/([^/]+)$/)?.[1];
  if (version) {
    return modelDetails(decodeURIComponent(version));
  }
  const answers: Record<string, unknown> = {
    "/operator/traffic": trafficResponse,
    "/operator/alarms": alarmsResponse,
    "/operator/engagement": engagementOf((query.by ?? "all") as EngagementReport["by"], Number(query.days ?? 14)),
    "/operator/models": modelsResponse,
    "/operator/trainings": trainingsResponse,
    "/operator/drift": driftResponse,
    "/operator/quarantine": quarantineResponse,
    "/operator/experiments": experimentsResponse,
    "/operator/rules": rulesResponse,
    "/operator/rules/check": ruleCheckResponse,
    "/operator/rules/history": ruleHistoryResponse,
    "/operator/rules/preview": previewResponse,
    "/operator/rules/forecasts": { forecastId: "0".repeat(32) },
    [`/operator/rules/forecasts/${"0".repeat(32)}`]: forecastRecord,
    "/operator/cost": costResponse,
    "/operator/increments": incrementsResponse,
  };
  return answers[path];
}
