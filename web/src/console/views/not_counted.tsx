import type { Engagement } from "../contract";
import { Empty } from "../parts/answered";
import { Command } from "../parts/copy";

/** In the place of engagement's figures where there are none: not counted, which is not the same as no answers. */
export function NotCounted({ found }: { found: Engagement }) {
  return found.totals.length === 0 ? (
    <Empty title="Not counted yet">
      <p>Nothing has been counted of these days. The schedule counts what answers led to; this counts it now.</p>
      <Command text="alsolike engagement --refresh" />
    </Empty>
  ) : (
    <Empty title="No answers in these days">
      <p>
        Engagement is counted from what the shop's events say of recommendations: events that carry a recommendation's
        id.
      </p>
    </Empty>
  );
}
