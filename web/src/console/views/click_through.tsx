import type { Watched } from "../context";
import type { Engagement } from "../contract";
import { dayMs, percent } from "../format";
import { Answered, Empty } from "../parts/answered";
import { TimeChart } from "../parts/chart";

/** How many of the lists that shoppers saw were clicked, by day. */
export function ClickThrough({ feed }: { feed: Watched<Engagement> }) {
  return (
    <Answered feed={feed} what="engagement" bones={1}>
      {(found) =>
        found.totals.every((row) => row.answers === 0) ? (
          <Empty title="No answers in the last days" />
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
