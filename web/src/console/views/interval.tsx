import type { Experiment } from "../contract";
import { lift } from "../format";

type Arm = Experiment["arms"][number];

/** The largest distance of any interval's end from zero, so that all share one scale. */
export function reach(arms: readonly Arm[]): number {
  return (
    Math.max(...arms.flatMap((arm) => [arm.lift, arm.liftLow, arm.liftHigh].map((value) => Math.abs(value ?? 0)))) *
      1.1 || 1
  );
}

/** A lift with its interval about zero, drawn and in figures. */
export function Interval({ arm, most }: { arm: Arm | null; most: number }) {
  const at = (value: number) => `${50 + (value / most) * 50}%`;
  const known = arm && arm.lift !== null && arm.liftLow !== null && arm.liftHigh !== null;
  const side = !known ? "" : (arm.liftLow ?? 0) > 0 ? "above" : (arm.liftHigh ?? 0) < 0 ? "below" : "across";
  return (
    <span class="interval">
      <svg aria-hidden="true" class={side}>
        <line class="zero" x1="50%" x2="50%" y1="0" y2="100%" />
        {known && (
          <>
            <line class="span" x1={at(arm.liftLow ?? 0)} x2={at(arm.liftHigh ?? 0)} y1="50%" y2="50%" />
            <circle cx={at(arm.lift ?? 0)} cy="50%" r="4.5" />
          </>
        )}
      </svg>
      <small>{known ? `${lift(arm.liftLow)} to ${lift(arm.liftHigh)}` : arm ? "not known yet" : "baseline"}</small>
    </span>
  );
}
