import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons";

export type Tone = "good" | "warn" | "bad" | "info" | "idle" | "going";

/** A state as a word with its icon: the colour says nothing that these do not. */
export function Status({ tone, icon, children }: { tone: Tone; icon?: IconName; children: ComponentChildren }) {
  return (
    <span class={`status ${tone}`}>
      <Icon name={icon ?? tone} />
      <span>{children}</span>
    </span>
  );
}
