import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { mayRollBack } from "../champion";
import { useFeed } from "../context";
import type { ModelStory, Models } from "../contract";
import { count, duration, measure, percent, words } from "../format";
import { Answered } from "../parts/answered";
import { Icon } from "../parts/icons";
import { Status } from "../parts/status";
import { Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { When } from "../parts/when";
import { LIVE_MS, model, models, pinning } from "../questions";
import { href } from "../routing";
import { Act } from "./act";
import { Checks } from "./checks";
import { ModelStatus } from "./model_status";
import { Bar, mayServe } from "./models";
import { PromoteDialog } from "./promote";
import { RollbackDialog } from "./rollback";

/** All that is known of one version. */
export function ModelStoryView({ version }: { version: string }) {
  const feed = useFeed<ModelStory>(model(version), LIVE_MS);
  return (
    <Answered feed={feed} what={`story of ${version}`} bones={5}>
      {(story) => <Story story={story} />}
    </Answered>
  );
}

function Story({ story }: { story: ModelStory }) {
  const known = useFeed<Models>(models, LIVE_MS, true).data;
  const champion = known?.champion ?? null;
  const [changing, setChanging] = useState<"promote" | "roll back" | null>(null);
  const { version, decision } = story;
  const close = () => setChanging(null);
  return (
    <div class="stack">
      <div class="row">
        <ModelStatus version={version} />
        <span class="faint">
          {version.algorithm}, created <When ms={version.createdMs} />, registry: {version.approval}
        </span>
        <span class="grow" />
        {champion && version.status !== "retired" && (
          <Act
            verb={version.pinned ? "Unpin" : "Pin"}
            path={pinning(version.version, version.pinned)}
            etag={champion.etag}
            version={version.version}
            done={
              version.pinned
                ? `The files of ${version.version} expire as usual.`
                : `The files of ${version.version} do not expire.`
            }
          />
        )}
        {mayServe(version) && (
          <button type="button" class="primary" disabled={known === null} onClick={() => setChanging("promote")}>
            <Icon name="up" /> Promote
          </button>
        )}
        {version.status === "champion" && champion && mayRollBack(champion) && (
          <button type="button" onClick={() => setChanging("roll back")}>
            <Icon name="back" /> Roll back
          </button>
        )}
      </div>
      <Tiles>
        <Tile name="NDCG" value={measure(version.ndcg)} note="@10, on the hold-out" />
        <Tile name="Hit rate" value={measure(version.hr)} note="users with a hit among ten items" />
        <Tile name="Coverage" value={percent(version.coverage)} note="items in at least one list" />
        <Tile name="Items" value={count(version.items)} />
        <Tile
          name="Latest event"
          value={story.lastEventMs === null ? "–" : <When ms={story.lastEventMs} />}
          note={story.datasetId && <span class="identifier">{story.datasetId}</span>}
        />
      </Tiles>
      <Part title="Gate">
        {decision ? (
          <>
            <p class="row">
              {decision.forced ? (
                <Status tone="warn">rejected, then forced</Status>
              ) : decision.verdict === "approved" ? (
                <Status tone="good">approved</Status>
              ) : (
                <Status tone="bad">rejected</Status>
              )}
              <span class="faint">
                <When ms={decision.decidedMs} />
                {decision.champion ? `, against ${decision.champion}` : ", without a champion"}
                {decision.forced ? `; forced: ${decision.forced}` : ""}
              </span>
            </p>
            <Checks checks={decision.checks} />
          </>
        ) : (
          <p class="faint">The gate has not judged this version.</p>
        )}
      </Part>
      {story.candidates.length > 0 && (
        <Table
          caption="Candidates, on the hold-out"
          rows={[...story.candidates].sort((a, b) => (b.ndcg ?? 0) - (a.ndcg ?? 0))}
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
                <Bar value={candidate.ndcg} most={Math.max(...story.candidates.map((one) => one.ndcg ?? 0))} />
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
      {story.canary && <Canary canary={story.canary} />}
      <Part title="Promotions">
        {story.promotions.length === 0 ? (
          <p class="faint">It has not been champion.</p>
        ) : (
          <ol class="timeline">
            {[...story.promotions]
              .sort((a, b) => b.promotedMs - a.promotedMs)
              .map((entry) => (
                <li key={entry.promotedMs}>
                  <When ms={entry.promotedMs} exact />
                  <span>{entry.reason}</span>
                </li>
              ))}
          </ol>
        )}
      </Part>
      {changing === "roll back" && <RollbackDialog champion={champion} close={close} />}
      {changing === "promote" && known && <PromoteDialog version={version} models={known} close={close} />}
    </div>
  );
}

function Canary({ canary }: { canary: NonNullable<ModelStory["canary"]> }) {
  return (
    <Part title="Canary trial">
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
          , from <When ms={canary.startedMs} exact /> to <When ms={canary.endsMs} exact /> at the latest
        </span>
      </p>
      {canary.reasons.length > 0 && <p>{canary.reasons.join("; ")}</p>}
      <ol class="timeline">
        {canary.looks.map((look) => (
          <li key={look.atMs}>
            <When ms={look.atMs} exact />
            <span>
              <b>{words(look.state)}</b>
              {look.reasons.length > 0 && `: ${look.reasons.join("; ")}`}
            </span>
          </li>
        ))}
      </ol>
    </Part>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="card padded">
      <h2>{title}</h2>
      {children}
    </section>
  );
}
