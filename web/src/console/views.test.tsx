import { render } from "preact-render-to-string";
import { describe, expect, it } from "vitest";
import { Api } from "../platform/api";
import { ConsoleContext } from "./context";
import type { EngagementReport, Increments } from "./contract";
import * as queries from "./queries";
import { type Query, QueryCache } from "./query_cache";
import { parseRoute } from "./routing";
import {
  incrementsResponse,
  responseOf,
  rulesResponse,
  soundModels,
  trafficResponse,
  versions,
} from "./testing/responses";
import { VIEWS } from "./views";
import { PromoteDialog } from "./views/champion_dialogs";

const QUERIES: readonly Query[] = [
  queries.traffic(60),
  queries.alarms,
  queries.engagement(14, "all"),
  queries.engagement(14, "recommender"),
  queries.models,
  ...versions.map(({ version }) => queries.model(version)),
  queries.trainings,
  queries.drift,
  queries.quarantine,
  queries.experiments,
  queries.increments,
  queries.rules,
  queries.ruleHistory,
  queries.cost({}),
];

type Respond = (path: string, query: Record<string, string | undefined>) => unknown;

/** Render a view after its queries have received responses of `respond`, and then of `respondLater`. */
async function renderView(hash: string, respond: Respond, respondLater?: Respond): Promise<string> {
  let current = respond;
  const get = async <T,>(path: string, query: Readonly<Record<string, string | number | undefined>> = {}) => ({
    body: current(path, query as Record<string, string | undefined>) as T,
    headers: new Headers(),
  });
  const cache = new QueryCache({ get });
  await Promise.all(QUERIES.map((query) => cache.refresh(query)));
  if (respondLater) {
    current = respondLater;
    await Promise.all(QUERIES.map((query) => cache.refresh(query)));
  }
  const route = parseRoute(hash);
  const view = VIEWS.find(({ name }) => name === route.view);
  if (!view) {
    throw new Error(`there is no view ${route.view}`);
  }
  const services = { api: new Api("/api", async () => ""), cache, announce: () => {} };
  return render(
    <ConsoleContext.Provider value={services}>
      <view.View route={route} />
    </ConsoleContext.Provider>,
  );
}

const failing: Respond = () => {
  throw new Error("the table does not answer");
};

const empty: Respond = (path) => {
  const nothing: Record<string, unknown> = {
    "/operator/alarms": { alarms: [] },
    "/operator/engagement": { from: "", to: "", by: "all", totals: [], days: [], rejected: {} },
    "/operator/models": { champion: null, versions: [], trialSharePercent: 10 },
    "/operator/trainings": { runs: [] },
    "/operator/drift": { looked: null },
    "/operator/quarantine": { objects: 0, records: 0, truncated: false, groups: [] },
    "/operator/experiments": { experiments: [] },
    "/operator/increments": { holdout: null },
    "/operator/rules": { ...rulesResponse, draft: { filters: {}, recommenders: {}, rules: {} }, arms: {} },
  };
  return nothing[path] ?? responseOf(path);
};

describe("every view", () => {
  it.each([
    [
      "#/overview",
      [
        "Runbook: ",
        "Quarantined records",
        "4 of",
        "requests in the last hour failed",
        "Requests per minute",
        "blend, champion for 20 h",
        "New assortment",
        "epoch 7 of 20",
      ],
    ],
    [
      "#/alarms",
      [
        "<h2>Many records of the stream cannot be read</h2>",
        "ringing",
        "Records quarantined: above 25 within 15 min",
        'href="#/alarms/quarantine"',
        "critical",
        "alsolike quarantine list --totals --since 6h",
        "quiet",
        "no data",
      ],
    ],
    [
      "#/alarms/errors",
      ["With degraded responses, shoppers see popular or trending items.", "alsolike models rollback"],
    ],
    ["#/alarms/nothing", ["There is no runbook “nothing”"]],
    [
      "#/models",
      [
        "Quality by version",
        "20261125-031500-a25f3",
        "champion",
        "rejected",
        "0.118",
        "Roll back",
        "forced",
        "damaged",
      ],
    ],
    ["#/models/20261119-031500-a19f3", ["Damaged files: graph.onnx is missing.", "alsolike models repair"]],
    ["#/models/20261126-031500-a26f3", ["against the champion", "failed", "passed", "item-kNN", "1 min 21 s"]],
    [
      "#/trainings",
      [
        "running",
        "its version should be ready in about",
        "epoch 7 of 20",
        "rejected",
        "promoted",
        "Build dataset",
        "no capacity for ml.m7i.2xlarge",
      ],
    ],
    ["#/engagement?by=recommender", ["bought-together", "5.3%", "too late"]],
    [
      "#/experiments",
      ["treatment is better than the control", "+1.8% to +11.4%", "only the first days", "Sample ratio mismatch"],
    ],
    ["#/engagement", ["Count now"]],
    [
      "#/engagement",
      [
        "+5,390",
        "95% interval +980 to +9,800",
        "81,250",
        "about $37.19",
        "of 40 days, estimated from the load of the last day",
        "±10.0%: reached",
        "±5.0%: in about 164 days",
        "no difference shown yet",
      ],
    ],
    [
      "#/rules",
      [
        'aria-pressed="true"><b>spring</b><small>for-you, similar-items</small>',
        "<small>arm autumn-test/treatment</small>",
        'value="4711"',
        "Add a promotion",
        "INCLUDE ItemID WHERE Items.ON_SALE = true",
        "Preview",
        "Orchard's spring campaign",
        "Undo</button>",
        "Restore 4</button>",
      ],
    ],
    ["#/drift", ["Item popularity", "above", "no served scores in this time", "above its limit"]],
    ["#/quarantine", ["eventType: expected one of view, cart, purchase", "alsolike quarantine show 7f3a9c21"]],
    [
      "#/cost",
      ["$28.42", "$412.50", "$15.04", "$13.38", "stream_mode", "not counted: visits of the pages", "s3_infrequent_gb"],
    ],
  ])("%s shows the response", async (hash, expected) => {
    const html = await renderView(hash, responseOf);
    for (const words of expected) {
      expect(html).toContain(words);
    }
  });

  it.each(VIEWS.map((view) => view.name))("%s shows an error with a retry", async (name) => {
    const html = await renderView(`#/${name}`, failing);
    expect(html).toContain("the table does not answer");
    expect(html).toContain("Try again");
  });

  it.each(VIEWS.map((view) => view.name))("%s keeps its data after a failed reload, with a note", async (name) => {
    const [fresh, stale] = [
      await renderView(`#/${name}`, responseOf),
      await renderView(`#/${name}`, responseOf, failing),
    ];
    expect(stale).toContain("the table does not answer");
    expect(stale.length).toBeGreaterThan(fresh.length);
  });

  it.each([
    ["alarms", "This deployment has no alarms"],
    ["models", "Start a training"],
    ["trainings", "No training has run yet"],
    ["engagement", "Count now"],
    ["engagement", "alsolike experiments start holdout"],
    ["drift", "Check now"],
    ["quarantine", "The quarantine is empty"],
    ["experiments", "alsolike experiments start"],
    ["rules", "The configuration has no rules"],
    ["overview", "no champion"],
  ])("%s names the next step if it is empty", async (name, words) => {
    expect(await renderView(`#/${name}`, empty)).toContain(words);
  });
});

it.each(["engagement", "overview"])("%s distinguishes no recommendations from not counted", async (name) => {
  const html = await renderView(`#/${name}`, (path, query) => {
    const answer = responseOf(path, query);
    if (path !== "/operator/engagement") return answer;
    const counted = answer as EngagementReport;
    return { ...counted, totals: counted.totals.map((row) => ({ ...row, answers: 0 })) };
  });
  expect(html).toContain("No recommendations in these days");
  const uncounted = await renderView(`#/${name}`, empty);
  expect(uncounted).toContain("Not counted yet");
  expect(uncounted).not.toContain("No answers");
});

describe("incremental sales", () => {
  const rendered = (change: (holdout: NonNullable<Increments["holdout"]>) => Increments["holdout"]) =>
    renderView("#/engagement", (path, query) =>
      path === "/operator/increments" && incrementsResponse.holdout
        ? { holdout: change(incrementsResponse.holdout) }
        : responseOf(path, query),
    );
  const early =
    (daysUntilInterval: number | null) =>
    (holdout: NonNullable<Increments["holdout"]>): Increments["holdout"] => {
      const unknown = { perUser: null, low: null, high: null, total: null, totalLow: null, totalHigh: null };
      return {
        ...holdout,
        report: holdout.report && {
          ...holdout.report,
          increments: holdout.report.increments.map((each) => ({ ...each, ...unknown, daysUntilInterval })),
        },
      };
    };

  it("without a report have a button that counts", async () => {
    const html = await rendered((holdout) => ({ ...holdout, report: null }));
    expect(html).toContain("No report yet");
    expect(html).toContain("Count the holdout now");
  });

  it.each([
    [45, "10 of them with an order: in about 6 days."],
    [null, "10 of them with an order."],
  ])("with %s days until an interval say how long to wait", async (days, words) => {
    const html = await rendered(early(days));
    expect(html).toContain("too early");
    expect(html).toContain(words);
    expect(html).toContain("81,250");
  });
});

describe("the dialog that promotes", () => {
  it.each([
    [10, true],
    [0, false],
  ])("with canaries of %d%% of the users it offers one: %s", (trialSharePercent, offered) => {
    const api = new Api("/api", async () => "");
    const html = render(
      <ConsoleContext.Provider value={{ api, cache: new QueryCache(api), announce: () => {} }}>
        <PromoteDialog version={versions[1]} models={{ ...soundModels, trialSharePercent }} close={() => {}} />
      </ConsoleContext.Provider>,
    );
    expect(html).toContain("Promote a version");
    expect(html.includes("Run a canary first")).toBe(offered);
  });
});

it.each([
  [versions[0].version, "Promote anyway", false],
  [versions[3].version, "Promote", true],
])("the button that promotes %s is “%s”, emphasized: %s", async (version, text, emphasized) => {
  const html = await renderView(`#/models/${version}`, responseOf);
  const button = html.match(new RegExp(`<button[^>]*>(?:(?!</button>).)*${text}</button>`))?.[0] ?? "";
  expect(button).toContain(text);
  expect(button.includes('class="primary"')).toBe(emphasized);
});

it.each(["models", "cost", "alarms"])("the table of %s names the column of each cell, for phones", async (name) => {
  const html = await renderView(`#/${name}`, responseOf);
  const cells = html.match(/<td[^>]*>/g) ?? [];
  expect(cells.length).toBeGreaterThan(0);
  expect(cells.filter((cell) => !/data-column="[^"]+"/.test(cell))).toEqual([]);
});

it("the overview without problems says so only if no request failed", async () => {
  const calm: Respond = (path, query) => {
    const response = empty(path, query) as Record<string, unknown>;
    if (path === "/operator/models") return soundModels;
    if (path !== "/operator/traffic") return response;
    const { series } = trafficResponse;
    return { ...trafficResponse, series: { ...series, serverErrors: [] }, incomplete: [] };
  };
  expect(await renderView("#/overview", calm)).toContain("No open problems");
  const failing: Respond = (path, query) =>
    path === "/operator/traffic" ? { ...trafficResponse, incomplete: [] } : calm(path, query);
  expect(await renderView("#/overview", failing)).not.toContain("No open problems");
});

it("a read-only operator sees the rules and the preview, and no way to change them", async () => {
  const html = await renderView("#/rules?set=plain", (path) =>
    path === "/operator/rules" ? { ...rulesResponse, readOnly: true } : responseOf(path),
  );
  expect(html).toContain("Your account may not change them");
  expect(html.match(/<fieldset class="plain"[^>]*>/g)).toEqual(Array(2).fill('<fieldset class="plain" disabled>'));
  expect(html).toContain('aria-pressed="true"><b>plain</b>');
  expect(html).not.toContain("Undo</button>");
});
