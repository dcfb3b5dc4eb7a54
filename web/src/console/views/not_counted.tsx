import type { Engagement } from "../contract";
import { Empty } from "../parts/answered";
import { Command } from "../parts/copy";

/** In the place of engagement's figures where there are none: not counted, which is not the same as no answers. */
export function NotCounted({ found }: { found: Engagement }) {
  return found.totals.length === 0 ? (
    <Empty title="Not counted yet">
      <p>Attribution has not run for these days. It runs on a schedule; this command runs it now.</p>
      <Command text="alsolike engagement --refresh" />
    </Empty>
  ) : (
    <Empty title="No recommendations in these days">
      <p>Attribution counts events that carry the ID of a recommendation.</p>
    </Empty>
  );
}
