import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { canRollBack } from "../champion";
import { useQuery } from "../context";
import type { ModelStory, Models } from "../contract";
import { count, duration, measure, percent, words } from "../format";
import { Status, Tile, Tiles, Timestamp } from "../parts/elements";
import { Icon } from "../parts/icons";
import { QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import { LIVE_MS, model, models, pin } from "../queries";
import { href } from "../routing";
import { runbookHref } from "../runbooks";
import { PromoteDialog, RollbackDialog } from "./champion_dialogs";
import { ChangeButton, canPromote, GateChecks, MetricBar, ModelStatus } from "./model_parts";

export function ModelDetailsView({ version }: { version: string }) {
  const query = useQuery<ModelStory>(model(version), LIVE_MS);
  return (
    <QueryContent query={query} content={`details of ${version}`} skeletonLines={5}>
      {(details) => <ModelDetails details={details} />}
    </QueryContent>
  );
}

function ModelDetails({ details }: { details: ModelStory }) {
  const current = useQuery<Models>(models, LIVE_MS, true).data;
  const champion = current?.champion ?? null;
  const [dialog, setDialog] = useState<"promote" | "roll back" | null>(null);
  const { version, decision } = details;
  const close = () => setDialog(null);
  return (
    <div class="stack">
      <div class="row">
        <ModelStatus version={version} />
        <span class="faint">
          {version.algorithm}, created <Timestamp ms={version.createdMs} />, registry: {version.approval}
        </span>
        <span class="grow" />
        {champion && version.status !== "retired" && (
          <ChangeButton
            verb={version.pinned ? "Unpin" : "Pin"}
            path={pin(version.version, version.pinned)}
            etag={champion.etag}
            version={version.version}
            done={
              version.pinned
                ? `The files of ${version.version} expire as usual.`
                : `The files of ${version.version} do not expire.`
            }
          />
        )}
        {canPromote(version) && (
          <button
            type="button"
            class={version.status === "rejected" ? undefined : "primary"}
            disabled={current === null}
            onClick={() => setDialog("promote")}
          >
            <Icon name="up" /> {version.status === "rejected" ? "Promote anyway" : "Promote"}
          </button>
        )}
        {version.status === "champion" && champion && canRollBack(champion) && (
          <button type="button" onClick={() => setDialog("roll back")}>
            <Icon name="back" /> Roll back
          </button>
        )}
      </div>
      {version.damaged.length > 0 && (
        <div class="note warn" role="status">
          <Icon name="warn" />
          <p>
            Damaged files: {version.damaged.join(", ")}. Repair them with <code>alsolike models repair</code>, see the{" "}
            <a href={runbookHref("models")}>runbook</a>.
          </p>
        </div>
      )}
      <Tiles>
        <Tile name="NDCG" value={measure(version.ndcg)} note="@10, on the hold-out" />
        <Tile name="Hit rate" value={measure(version.hr)} note="users with a hit among ten items" />
        <Tile name="Coverage" value={percent(version.coverage)} note="items in at least one list" />
        <Tile name="Items" value={count(version.items)} />
        <Tile
          name="Latest event"
          value={details.lastEventMs === null ? "–" : <Timestamp ms={details.lastEventMs} />}
          note={details.datasetId && <span class="identifier">{details.datasetId}</span>}
        />
      </Tiles>
      <Section title="Gate">
        {decision ? (
          <>
            <p class="row">
              {decision.forced ? (
                <Status tone="warn">rejected, then forced</Status>
              ) : decision.verdict === "approved" ? (
                <Status tone="good">approved</Status>
              ) : decision.verdict === "waiting" ? (
                <Status tone="warn">waiting for evidence</Status>
              ) : (
                <Status tone="bad">rejected</Status>
              )}
              <span class="faint">
                <Timestamp ms={decision.decidedMs} />
                {decision.champion ? `, against ${decision.champion}` : ", without a champion"}
                {decision.forced ? `; forced: ${decision.forced}` : ""}
              </span>
            </p>
            <GateChecks checks={decision.checks} />
          </>
        ) : (
          <p class="faint">The gate has not evaluated this version.</p>
        )}
      </Section>
      {details.candidates.length > 0 && (
        <Table
          caption="Candidates, on the hold-out"
          rows={[...details.candidates].sort((a, b) => (b.ndcg ?? 0) - (a.ndcg ?? 0))}
          keyOf={(candidate) => candidate.algorithm}
          marked={(candidate) => candidate.winner}
          columns={[
            { name: "Algorithm", cell: (candidate) => candidate.algorithm },
            {
              name: "Result",
              cell: (candidate) =>
                candidate.winner ? (
                  <Status tone="good" icon="star">
                    winner
                  </Status>
                ) : (
                  "–"
                ),
            },
            {
              name: "NDCG",
              number: true,
              cell: (candidate) => (
                <MetricBar value={candidate.ndcg} max={Math.max(...details.candidates.map(({ ndcg }) => ndcg ?? 0))} />
              ),
            },
            { name: "Hit rate", number: true, cell: (candidate) => measure(candidate.hr) },
            { name: "MRR", number: true, cell: (candidate) => measure(candidate.mrr) },
            { name: "Coverage", number: true, cell: (candidate) => percent(candidate.coverage) },
            {
              name: "Training time",
              number: true,
              cell: (candidate) => duration(candidate.fitS === null ? null : candidate.fitS * 1000),
            },
          ]}
        />
      )}
      {details.canary && <CanaryReport canary={details.canary} />}
      <Section title="Promotions">
        {details.promotions.length === 0 ? (
          <p class="faint">It has not been champion.</p>
        ) : (
          <ol class="timeline">
            {[...details.promotions]
              .sort((a, b) => b.promotedMs - a.promotedMs)
              .map((entry) => (
                <li key={entry.promotedMs}>
                  <Timestamp ms={entry.promotedMs} exact />
                  <span>{entry.reason}</span>
                </li>
              ))}
          </ol>
        )}
      </Section>
      {dialog === "roll back" && <RollbackDialog champion={champion} close={close} />}
      {dialog === "promote" && current && <PromoteDialog version={version} models={current} close={close} />}
    </div>
  );
}

function CanaryReport({ canary }: { canary: NonNullable<ModelStory["canary"]> }) {
  return (
    <Section title="Canary">
      <p class="row">
        {canary.state === "going" && <Status tone="going">running</Status>}
        {canary.state === "promoted" && <Status tone="good">promoted</Status>}
        {canary.state === "rolled_back" && <Status tone="bad">rolled back</Status>}
        <span class="faint">
          {percent(canary.share)} of the users
          {canary.champion && (
            <>
              , compared with{" "}
              <a class="identifier" href={href("models", canary.champion)}>
                {canary.champion}
              </a>
            </>
          )}
          , from <Timestamp ms={canary.startedMs} exact /> to <Timestamp ms={canary.endsMs} exact /> at the latest
        </span>
      </p>
      {canary.reasons.length > 0 && <p>{canary.reasons.join("; ")}</p>}
      <ol class="timeline">
        {canary.looks.map((look) => (
          <li key={look.atMs}>
            <Timestamp ms={look.atMs} exact />
            <span>
              <b>{words(look.state)}</b>
              {look.reasons.length > 0 && `: ${look.reasons.join("; ")}`}
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="card padded">
      <h2>{title}</h2>
      {children}
    </section>
  );
}
