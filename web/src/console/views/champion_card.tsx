import { lastPromotion, mayRollBack } from "../champion";
import type { Models } from "../contract";
import { measure, percent } from "../format";
import { Icon } from "../parts/icons";
import { Status } from "../parts/status";
import { When } from "../parts/when";
import { RESUMING } from "../questions";
import { href } from "../routing";
import { Act } from "./act";

/** The serving version, since when it serves, the version that a rollback restores, and the trial. */
export function ChampionCard({ models, rollBack }: { models: Models; rollBack: () => void }) {
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
  const version = versions.find((one) => one.version === champion.version);
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
        {mayRollBack(champion) && (
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
            <When ms={since.promotedMs} />
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
            is on trial with {percent(champion.canary.share)} of the users, started{" "}
            <When ms={champion.canary.startedMs} />.
          </p>
        </div>
      )}
      {champion.held && (
        <div class="note warn">
          <Icon name="pause" />
          <div>
            <p>Automatic promotion is paused: {champion.held}</p>
            <Act verb="Resume promotion" path={RESUMING} etag={champion.etag} done="Automatic promotion is on again." />
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
