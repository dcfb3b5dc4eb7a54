import type { Champion } from "./contract";

type Entry = Champion["history"][number];

/** The promotion by which the champion is champion now: a version may have been it before. */
export function lastPromotion(champion: Champion): Entry | undefined {
  return champion.history
    .filter((entry) => entry.version === champion.version)
    .sort((a, b) => b.promotedMs - a.promotedMs)[0];
}

/** Whether a version was champion before: promoting it goes back to it, and what came after is not gone back to. */
export const wasChampion = (champion: Champion | null, version: string): boolean =>
  champion?.history.some((entry) => entry.version === version) ?? false;

/** Whether there is something to take back: a champion with one before it, or a trial. */
export const mayRollBack = (champion: Champion): boolean => champion.previous !== null || champion.canary !== null;

/** What the pointer says now, where it is another one than the one that was seen; null where it is the same. */
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
