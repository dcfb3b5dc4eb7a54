import { render } from "preact-render-to-string";
import { describe, expect, it } from "vitest";
import { Api } from "../platform/api";
import { DeskContext } from "./context";
import type { Engagement } from "./contract";
import { Feeds, type Question } from "./feeds";
import { answerOf, modelsAnswer, versions } from "./fixtures";
import * as questions from "./questions";
import { parseRoute } from "./routing";
import { VIEWS } from "./views";
import { PromoteDialog } from "./views/promote";

const ASKED: readonly Question[] = [
  questions.traffic(60),
  questions.alarms,
  questions.engagement(14, "all"),
  questions.engagement(14, "recommender"),
  questions.models,
  questions.model("20261126-031500-a26f3"),
  questions.trainings,
  questions.drift,
  questions.quarantine,
  questions.experiments,
  questions.rules,
  questions.cost({}),
];

type Answering = (path: string, query: Record<string, string | undefined>) => unknown;

/** The text of a view after its requests are answered. */
async function shown(hash: string, answering: Answering, again?: Answering): Promise<string> {
  let answer = answering;
  const get = async <T,>(path: string, query: Readonly<Record<string, string | number | undefined>> = {}) => ({
    body: answer(path, query as Record<string, string | undefined>) as T,
    headers: new Headers(),
  });
  const feeds = new Feeds({ get });
  await Promise.all(ASKED.map((question) => feeds.refresh(question)));
  if (again) {
    answer = again;
    await Promise.all(ASKED.map((question) => feeds.refresh(question)));
  }
  const route = parseRoute(hash);
  const view = VIEWS.find((one) => one.name === route.view);
  if (!view) {
    throw new Error(`there is no view ${route.view}`);
  }
  const desk = { api: new Api("/api", async () => ""), feeds, announce: () => {} };
  return render(
    <DeskContext.Provider value={desk}>
      <view.View route={route} />
    </DeskContext.Provider>,
  );
}

const failing: Answering = () => {
  throw new Error("the table does not answer");
};

const empty: Answering = (path) => {
  const nothing: Record<string, unknown> = {
    "/operator/alarms": { alarms: [] },
    "/operator/engagement": { from: "", to: "", by: "all", totals: [], days: [], rejected: {} },
    "/operator/models": { champion: null, versions: [], trialSharePercent: 10 },
    "/operator/trainings": { runs: [] },
    "/operator/drift": { looked: null },
    "/operator/quarantine": { objects: 0, records: 0, truncated: false, groups: [] },
    "/operator/experiments": { experiments: [] },
    "/operator/rules": { ruleSets: [] },
  };
  return nothing[path] ?? answerOf(path);
};

describe("every view", () => {
  it.each([
    [
      "#/overview",
      ["alsolike-dev-RecordsQuarantined", "docs/runbooks/quarantine.md", "Requests per second", "new assortment"],
    ],
    [
      "#/alarms",
      [
        "<h2>Many of the records on the stream cannot be read</h2>",
        "ringing",
        "alsolike quarantine list --totals --since 6h",
        "quiet",
        "no data",
      ],
    ],
    ["#/models", ["20261125-031500-a25f3", "champion", "rejected", "0.118", "Roll back", "forced"]],
    ["#/models/20261126-031500-a26f3", ["against the champion", "failed", "passed", "item-kNN", "1 min 21 s"]],
    ["#/trainings", ["running", "rejected", "promoted", "Build dataset", "no capacity for ml.m7i.2xlarge"]],
    ["#/engagement?by=recommender", ["bought-together", "5.3%", "too late"]],
    [
      "#/experiments",
      ["treatment is better than the control", "+1.8% to +11.4%", "only the first days", "Sample ratio mismatch"],
    ],
    ["#/rules", ["spring", "similar-items", "Preview"]],
    ["#/drift", ["item popularity", "above", "no served scores in this time", "above its limit"]],
    ["#/quarantine", ["eventType: expected one of view, cart, purchase", "alsolike quarantine show 7f3a9c21"]],
    [
      "#/cost",
      ["$28.42", "$412.50", "$15.04", "$13.38", "stream_mode", "not counted: visits of the pages", "s3_infrequent_gb"],
    ],
  ])("%s shows what the API answers", async (hash, expected) => {
    const html = await shown(hash, answerOf);
    for (const words of expected) {
      expect(html).toContain(words);
    }
  });

  it.each(VIEWS.map((view) => view.name))("%s says why it has nothing, and offers another try", async (name) => {
    const html = await shown(`#/${name}`, failing);
    expect(html).toContain("the table does not answer");
    expect(html).toContain("Try again");
  });

  it.each(VIEWS.map((view) => view.name))("%s keeps what it has when a later call fails, and says so", async (name) => {
    const [fresh, stale] = [await shown(`#/${name}`, answerOf), await shown(`#/${name}`, answerOf, failing)];
    expect(stale).toContain("the table does not answer");
    expect(stale.length).toBeGreaterThan(fresh.length);
  });

  it.each([
    ["alarms", "This deployment has no alarms"],
    ["models", "alsolike train"],
    ["trainings", "No training has run yet"],
    ["engagement", "alsolike engagement --refresh"],
    ["drift", "alsolike drift --refresh"],
    ["quarantine", "The quarantine is empty"],
    ["experiments", "alsolike experiments start"],
    ["rules", "The configuration has no rules"],
    ["overview", "no champion"],
  ])("%s says what there is to do where nothing is there", async (name, words) => {
    expect(await shown(`#/${name}`, empty)).toContain(words);
  });
});

it.each(["engagement", "overview"])("%s says that there were no answers only where they were counted", async (name) => {
  const html = await shown(`#/${name}`, (path, query) => {
    const answer = answerOf(path, query);
    if (path !== "/operator/engagement") return answer;
    const counted = answer as Engagement;
    return { ...counted, totals: counted.totals.map((row) => ({ ...row, answers: 0 })) };
  });
  expect(html).toContain("No recommendations in these days");
  const uncounted = await shown(`#/${name}`, empty);
  expect(uncounted).toContain("Not counted yet");
  expect(uncounted).not.toContain("No answers");
});

describe("the dialog that promotes", () => {
  it.each([
    [10, true],
    [0, false],
  ])("with trials of %d%% of the users it offers one: %s", (trialSharePercent, offered) => {
    const api = new Api("/api", async () => "");
    const html = render(
      <DeskContext.Provider value={{ api, feeds: new Feeds(api), announce: () => {} }}>
        <PromoteDialog version={versions[1]} models={{ ...modelsAnswer, trialSharePercent }} close={() => {}} />
      </DeskContext.Provider>,
    );
    expect(html).toContain("Promote a version");
    expect(html.includes("Run a canary trial first")).toBe(offered);
  });
});
