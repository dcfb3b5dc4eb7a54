import { useState } from "preact/hooks";
import { canRollBack, lastPromotion } from "../champion";
import { useQuery } from "../context";
import type { Models, ModelVersion } from "../contract";
import { count, measure, percent, plural } from "../format";
import { TimeChart } from "../parts/chart";
import { Status, Timestamp } from "../parts/elements";
import { Icon } from "../parts/icons";
import { EmptyState, QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import { LIVE_MS, models, RESUME } from "../queries";
import { href, type Route } from "../routing";
import { PromoteDialog, RollbackDialog } from "./champion_dialogs";
import { ModelDetailsView } from "./model_details";
import { ChangeButton, canPromote, MetricBar, ModelStatus } from "./model_parts";
import { StartDialog } from "./trainings";

export function ModelsView({ route }: { route: Route }) {
  return route.id === null ? <Versions /> : <ModelDetailsView version={route.id} />;
}

function Versions() {
  const query = useQuery<Models>(models, LIVE_MS);
  const [promoting, setPromoting] = useState<ModelVersion | null>(null);
  const [rollingBack, setRollingBack] = useState(false);
  const [starting, setStarting] = useState(false);
  return (
    <QueryContent query={query} content="model versions" skeletonLines={5}>
      {(data) =>
        data.versions.length === 0 ? (
          <EmptyState title="No version has been trained yet">
            <p>Until the first version is champion, requests return trending items or an empty list.</p>
            <button type="button" class="primary" onClick={() => setStarting(true)}>
              <Icon name="play" /> Start a training
            </button>
            {starting && <StartDialog close={() => setStarting(false)} />}
          </EmptyState>
        ) : (
          <div class="stack">
            <ChampionCard models={data} rollBack={() => setRollingBack(true)} />
            <QualityCharts versions={data.versions} />
            <Table
              caption={plural(data.versions.length, "version")}
              rows={data.versions}
              keyOf={(version) => version.version}
              marked={(version) => version.status === "champion"}
              columns={[
                {
                  name: "Version",
                  cell: (version) => (
                    <a class="identifier" href={href("models", version.version)}>
                      {version.version}
                    </a>
                  ),
                },
                { name: "Status", cell: (version) => <ModelStatus version={version} /> },
                { name: "Algorithm", cell: (version) => version.algorithm },
                {
                  name: "NDCG",
                  number: true,
                  title: "NDCG@10 on the hold-out",
                  cell: (version) => <MetricBar value={version.ndcg} max={bestNdcg(data.versions)} />,
                },
                { name: "Hit rate", number: true, cell: (version) => measure(version.hr) },
                { name: "Coverage", number: true, cell: (version) => percent(version.coverage) },
                { name: "Items", number: true, cell: (version) => count(version.items) },
                { name: "Created", cell: (version) => <Timestamp ms={version.createdMs} /> },
                {
                  name: "Change",
                  cell: (version) =>
                    canPromote(version) && (
                      <button type="button" class="small" onClick={() => setPromoting(version)}>
                        <Icon name="up" /> Promote<span class="visually-hidden"> {version.version}</span>
                      </button>
                    ),
                },
              ]}
            />
            {promoting && <PromoteDialog version={promoting} models={data} close={() => setPromoting(null)} />}
            {rollingBack && <RollbackDialog champion={data.champion} close={() => setRollingBack(false)} />}
          </div>
        )
      }
    </QueryContent>
  );
}

function QualityCharts({ versions }: { versions: readonly ModelVersion[] }) {
  const measured = versions.filter((version) => version.ndcg !== null).sort((a, b) => a.createdMs - b.createdMs);
  if (measured.length < 2) {
    return null;
  }
  const points = (metric: "ndcg" | "hr" | "coverage") =>
    measured.map((version) => [version.createdMs, version[metric]] as const);
  const names = new Map(measured.map((version) => [version.createdMs, version.version]));
  const nameOf = (timeMs: number) => names.get(timeMs) ?? "";
  return (
    <div class="charts">
      <TimeChart
        caption="Quality by version"
        format={measure}
        nameOf={nameOf}
        series={[
          { name: "NDCG", points: points("ndcg") },
          { name: "Hit rate", points: points("hr") },
        ]}
      />
      <TimeChart
        caption="Coverage by version"
        format={percent}
        nameOf={nameOf}
        series={[{ name: "Coverage", points: points("coverage"), kind: "area" }]}
      />
    </div>
  );
}

const bestNdcg = (versions: readonly ModelVersion[]): number =>
  Math.max(...versions.map((version) => version.ndcg ?? 0));

function ChampionCard({ models, rollBack }: { models: Models; rollBack: () => void }) {
  const { champion, versions } = models;
  if (!champion) {
    return (
      <section class="card padded champion">
        <Status tone="warn">no champion</Status>
        <p>
          Requests return trending items or an empty list. Promote a version, or train one that the gate lets through.
        </p>
      </section>
    );
  }
  const version = versions.find(({ version }) => version === champion.version);
  const since = lastPromotion(champion);
  return (
    <section class="card padded champion" aria-labelledby="champion-name">
      <div class="champion-head">
        <div>
          <Status tone="good" icon="star">
            champion
          </Status>
          <h2 id="champion-name">
            <a class="identifier" href={href("models", champion.version)}>
              {champion.version}
            </a>
          </h2>
        </div>
        {canRollBack(champion) && (
          <button type="button" onClick={rollBack}>
            <Icon name="back" /> Roll back
          </button>
        )}
      </div>
      <dl class="facts">
        {version && (
          <>
            <Fact name="Algorithm">{version.algorithm}</Fact>
            <Fact name="NDCG">{measure(version.ndcg)}</Fact>
            <Fact name="Coverage">{percent(version.coverage)}</Fact>
          </>
        )}
        {since && (
          <Fact name="Champion since">
            <Timestamp ms={since.promotedMs} />
          </Fact>
        )}
        <Fact name="Previous champion">
          {champion.previous ? (
            <a class="identifier" href={href("models", champion.previous)}>
              {champion.previous}
            </a>
          ) : (
            "none"
          )}
        </Fact>
        {since?.reason && <Fact name="Reason">{since.reason}</Fact>}
      </dl>
      {champion.canary && (
        <div class="note info">
          <Icon name="going" />
          <p>
            <a class="identifier" href={href("models", champion.canary.version)}>
              {champion.canary.version}
            </a>{" "}
            is a canary for {percent(champion.canary.share)} of the users, started{" "}
            <Timestamp ms={champion.canary.startedMs} />.
          </p>
        </div>
      )}
      {champion.held && (
        <div class="note warn">
          <Icon name="pause" />
          <div>
            <p>Automatic promotion is paused: {champion.held}</p>
            <ChangeButton
              verb="Resume promotion"
              path={RESUME}
              etag={champion.etag}
              done="Automatic promotion is on again."
            />
          </div>
        </div>
      )}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
