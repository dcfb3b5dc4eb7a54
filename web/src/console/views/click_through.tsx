import type { Watched } from "../context";
import type { Engagement } from "../contract";
import { dayMs, percent } from "../format";
import { Answered } from "../parts/answered";
import { TimeChart } from "../parts/chart";
import { NotCounted } from "./not_counted";

/** The share of seen lists that shoppers clicked, by day. */
export function ClickThrough({ feed }: { feed: Watched<Engagement> }) {
  return (
    <Answered feed={feed} what="engagement" bones={1}>
      {(found) =>
        found.totals.every((row) => row.answers === 0) ? (
          <NotCounted found={found} />
        ) : (
          <TimeChart
            caption="Click-through by day"
            byDay
            format={percent}
            series={[
              {
                name: "Click-through",
                kind: "bar",
                points: found.days.map(({ date, rows }) => [dayMs(date), rows[0]?.clickThrough ?? null] as const),
              },
            ]}
          />
        )
      }
    </Answered>
  );
}
