import type { Champion } from "./contract";

type Entry = Champion["history"][number];

/** Return the last promotion of the champion. A version may be promoted several times. */
export function lastPromotion(champion: Champion): Entry | undefined {
  return champion.history
    .filter((entry) => entry.version === champion.version)
    .sort((a, b) => b.promotedMs - a.promotedMs)[0];
}

export const wasChampion = (champion: Champion | null, version: string): boolean =>
  champion?.history.some((entry) => entry.version === version) ?? false;

export const canRollBack = (champion: Champion): boolean => champion.previous !== null || champion.canary !== null;

/** Describe the current champion pointer, or return null if it equals the shown pointer. */
export function pointerChange(shown: Champion | null, current: Champion | null): string | null {
  if (shown?.etag === current?.etag) {
    return null;
  }
  if (!current) {
    return "there is no champion now";
  }
  const canary = current.canary ? `, with the canary ${current.canary.version}` : "";
  return `${current.version} is champion ${shown?.version === current.version ? "still" : "now"}${canary}`;
}
