import type { GateDecision } from "../contract";
import { words } from "../format";
import { Status } from "../parts/status";

/** The gate's checks with their figures, those that failed first. */
export function Checks({ checks }: { checks: GateDecision["checks"] }) {
  const ordered = [...checks].sort((a, b) => Number(a.passed) - Number(b.passed));
  return (
    <ul class="gate">
      {ordered.map((check) => (
        <li key={check.name}>
          {check.passed ? <Status tone="good">passed</Status> : <Status tone="bad">failed</Status>}
          <div>
            <b>{words(check.name)}</b>
            <span>{check.figures}</span>
          </div>
        </li>
      ))}
    </ul>
  );
}
