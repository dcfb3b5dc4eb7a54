import { useState } from "preact/hooks";
import { useFeed } from "../context";
import type { Models, ModelVersion } from "../contract";
import { count, measure, percent, plural } from "../format";
import { Answered, Empty } from "../parts/answered";
import { Command } from "../parts/copy";
import { Icon } from "../parts/icons";
import { Table } from "../parts/table";
import { When } from "../parts/when";
import { LIVE_MS, models } from "../questions";
import { href, type Route } from "../routing";
import { ChampionCard } from "./champion_card";
import { ModelStatus } from "./model_status";
import { ModelStoryView } from "./model_story";
import { PromoteDialog } from "./promote";
import { RollbackDialog } from "./rollback";

export function ModelsView({ route }: { route: Route }) {
  return route.id === null ? <Versions /> : <ModelStoryView version={route.id} />;
}

function Versions() {
  const feed = useFeed<Models>(models, LIVE_MS);
  const [promoting, setPromoting] = useState<ModelVersion | null>(null);
  const [rollingBack, setRollingBack] = useState(false);
  return (
    <Answered feed={feed} what="model versions" bones={5}>
      {(found) =>
        found.versions.length === 0 ? (
          <Empty title="No version has been trained yet">
            <p>Until the first version is champion, requests return trending items or an empty list.</p>
            <Command text="alsolike train" />
          </Empty>
        ) : (
          <div class="stack">
            <ChampionCard models={found} rollBack={() => setRollingBack(true)} />
            <Table
              caption={plural(found.versions.length, "version")}
              rows={found.versions}
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
                  cell: (version) => <Bar value={version.ndcg} most={bestNdcg(found.versions)} />,
                },
                { name: "Hit rate", number: true, cell: (version) => measure(version.hr) },
                { name: "Coverage", number: true, cell: (version) => percent(version.coverage) },
                { name: "Items", number: true, cell: (version) => count(version.items) },
                { name: "Created", cell: (version) => <When ms={version.createdMs} /> },
                {
                  name: "Change",
                  cell: (version) =>
                    mayServe(version) && (
                      <button type="button" class="small" onClick={() => setPromoting(version)}>
                        <Icon name="up" /> Promote<span class="visually-hidden"> {version.version}</span>
                      </button>
                    ),
                },
              ]}
            />
            {promoting && <PromoteDialog version={promoting} models={found} close={() => setPromoting(null)} />}
            {rollingBack && <RollbackDialog champion={found.champion} close={() => setRollingBack(false)} />}
          </div>
        )
      }
    </Answered>
  );
}

/** True if a version has files to serve from and does not serve already. */
export const mayServe = (version: ModelVersion): boolean =>
  version.status !== "champion" && version.status !== "retired";

const bestNdcg = (versions: readonly ModelVersion[]): number =>
  Math.max(...versions.map((version) => version.ndcg ?? 0));

/** A figure with its length relative to the best. */
export function Bar({ value, most }: { value: number | null; most: number }) {
  return (
    <span class="bar">
      {measure(value)}
      <span class="track" aria-hidden="true">
        <span style={{ width: `${most > 0 ? ((value ?? 0) / most) * 100 : 0}%` }} />
      </span>
    </span>
  );
}
