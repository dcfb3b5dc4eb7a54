import type { Champion } from "./contract";

type Entry = Champion["history"][number];

/** The promotion by which the champion is champion now: a version may have been it before. */
export function lastPromotion(champion: Champion): Entry | undefined {
  return champion.history
    .filter((entry) => entry.version === champion.version)
    .sort((a, b) => b.promotedMs - a.promotedMs)[0];
}

/** True if a version was champion before: promoting it returns to it, but does not undo later promotions. */
export const wasChampion = (champion: Champion | null, version: string): boolean =>
  champion?.history.some((entry) => entry.version === version) ?? false;

/** True if a rollback is possible: the champion has a predecessor, or a trial runs. */
export const mayRollBack = (champion: Champion): boolean => champion.previous !== null || champion.canary !== null;

/** The pointer's current state in words, if it differs from the one that the reader saw; otherwise null. */
export function movedTo(seen: Champion | null, now: Champion | null): string | null {
  if (seen?.etag === now?.etag) {
    return null;
  }
  if (!now) {
    return "there is no champion now";
  }
  const trial = now.canary ? `, with ${now.canary.version} on trial` : "";
  return `${now.version} is champion ${seen?.version === now.version ? "still" : "now"}${trial}`;
}
