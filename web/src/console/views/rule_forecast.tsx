import { useEffect, useId, useRef, useState } from "preact/hooks";
import { toError } from "../../platform/api";
import { useConsole } from "../context";
import type { Forecast, ForecastOutcome, ForecastRecord, StartedForecast } from "../contract";
import { figure, percent, plural } from "../format";
import { Icon } from "../parts/icons";
import { errorText } from "../parts/query_content";
import { Table } from "../parts/table";
import { FORECASTS, forecast as forecastPath } from "../queries";
import type { Draft } from "./rule_draft";

const POLL_MS = 2_000;
const TITLES: Readonly<Record<string, string>> = {
  clicks: "Clicks",
  purchases: "Purchases",
  revenue: "Revenue",
  margin: "Margin",
};

interface Props {
  readonly recommenders: readonly string[];
  readonly rules: string | undefined;
  readonly initial: string;
  readonly draft: Draft;
  /** The reason why no forecast can be started; undefined if one can. */
  readonly blocked: string | undefined;
}

interface Started {
  readonly draft: Draft;
  readonly recommender: string;
  readonly record: ForecastRecord | null;
}

/** Forecast of the draft's clicks, purchases, revenue and margin from the recommendation log. */
export function RuleForecast({ recommenders, rules, initial, draft, blocked }: Props) {
  const { api } = useConsole();
  const id = useId();
  const [recommender, setRecommender] = useState(initial);
  const [started, setStarted] = useState<Started | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [running, setRunning] = useState(false);
  const latest = useRef(0);
  useEffect(
    () => () => {
      latest.current += 1;
    },
    [],
  );
  const start = async () => {
    latest.current += 1;
    const own = latest.current;
    setError(null);
    setStarted({ draft, recommender, record: null });
    setRunning(true);
    try {
      const { body: begun } = await api.post<StartedForecast>(FORECASTS, { recommender, draft });
      let state = "running";
      while (state === "running" && own === latest.current) {
        const { body: record } = await api.get<ForecastRecord>(forecastPath(begun.forecastId));
        if (own === latest.current) setStarted({ draft, recommender, record });
        state = record.state;
        if (state === "running") await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    } catch (failure) {
      if (own === latest.current) setError(toError(failure));
    } finally {
      if (own === latest.current) setRunning(false);
    }
  };
  const record = started?.record;
  const isOutdated = started !== null && (started.draft !== draft || started.recommender !== recommender);
  return (
    <section class="card padded forecast" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Forecast</h2>
      <p class="faint">
        Expected effect of the draft, from the responses of the last weeks and their outcomes. It takes some minutes and
        changes nothing.
      </p>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <div class="field">
          <label for={`${id}-recommender`}>Forecast for</label>
          <select
            id={`${id}-recommender`}
            value={recommender}
            onChange={(event) => setRecommender(event.currentTarget.value)}
          >
            {recommenders.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        <button type="submit" class="primary" disabled={blocked !== undefined || running}>
          {running ? "Computing…" : "Forecast"}
        </button>
      </form>
      {blocked && <p class="hint">{blocked}</p>}
      {rules !== undefined && draft.recommenders[recommender]?.rules !== rules && (
        <p class="hint warn">
          {recommender} does not use {rules}, so the forecast does not contain it. Select {recommender} under “Applies
          to”.
        </p>
      )}
      <div aria-live="polite" aria-busy={running}>
        {error && (
          <div class="note bad">
            <Icon name="bad" />
            <p>{errorText(error)}</p>
          </div>
        )}
        {running && <Progress record={record ?? null} />}
        {!running && record?.state === "failed" && (
          <div class="note warn">
            <Icon name="warn" />
            <p>No forecast: {record.reason}</p>
          </div>
        )}
        {!running && record?.forecast && (
          <>
            {isOutdated && <p class="hint warn">The draft has changed since this forecast.</p>}
            <ForecastResult forecast={record.forecast} />
          </>
        )}
      </div>
    </section>
  );
}

function Progress({ record }: { record: ForecastRecord | null }) {
  const share = record?.share ?? null;
  return (
    <p role="status">
      <progress aria-label="Progress of the step" {...(share === null ? {} : { value: share })} />{" "}
      {record?.step ? `Reading: ${record.step}` : "Starting…"}
      {share !== null && `, ${percent(share)}`}
    </p>
  );
}

function ForecastResult({ forecast }: { forecast: Forecast }) {
  const known = forecast.outcomes.filter(({ missing }) => missing === null);
  const reasons = [...new Set(forecast.outcomes.flatMap(({ missing }) => (missing === null ? [] : [missing])))];
  const left = Object.entries(forecast.skipped);
  return (
    <>
      {known.length > 0 && (
        <Table
          caption="Per 1,000 responses"
          rows={known}
          keyOf={({ name }) => name}
          columns={[
            { name: "Outcome", cell: ({ name }) => TITLES[name] ?? name },
            { name: "Now", cell: ({ present }) => perThousand(present) },
            { name: "Draft", cell: ({ draft }) => perThousand(draft) },
            { name: "Difference", cell: ({ difference }) => perThousand(difference, "always") },
            {
              name: "95% interval",
              cell: ({ difference }) => difference && `${signed(difference.low)} to ${signed(difference.high)}`,
            },
          ]}
        />
      )}
      {reasons.map((reason) => (
        <div class="note info" key={reason}>
          <Icon name="info" />
          <p>
            {forecast.outcomes
              .filter(({ missing }) => missing === reason)
              .map(({ name }) => TITLES[name] ?? name)
              .join(", ")}
            : {reason}.
          </p>
        </div>
      ))}
      <p class="faint">
        {plural(forecast.responses, "response")} of {forecast.recommender} to {plural(forecast.users, "user")} in{" "}
        {plural(forecast.days, "day")}. The draft changes {percent(forecast.changed)} of the lists.
        {forecast.support > 0 &&
          ` ${percent(forecast.support)} of the attention to its lists is for items that were shown (support).`}
      </p>
      {left.length > 0 && (
        <p class="faint">
          Left out: {left.map(([reason, count]) => `${plural(count, "response")} (${reason})`).join(", ")}.
        </p>
      )}
    </>
  );
}

type Estimate = ForecastOutcome["present"];

function perThousand(estimate: Estimate, sign: "auto" | "always" = "auto"): string {
  if (estimate === null) return "";
  return sign === "always" ? signed(estimate.value) : figure(1_000 * estimate.value);
}

function signed(value: number): string {
  const text = figure(Math.abs(1_000 * value));
  return value < 0 ? `−${text}` : `+${text}`;
}
