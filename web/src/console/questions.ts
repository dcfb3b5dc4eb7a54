import { pathSegment } from "../platform/api";
import type { Question } from "./feeds";

/** Refresh intervals of live data, and of data counted from the lake. */
export const LIVE_MS = 10_000;
export const SLOW_MS = 60_000;

/** Requests of the console to the operator's routes; `contract.ts` has the types of the responses. */
export const traffic = (minutes: number): Question => ({ path: "/operator/traffic", query: { minutes } });
export const alarms: Question = { path: "/operator/alarms" };
export const engagement = (days: number, by: string): Question => ({
  path: "/operator/engagement",
  query: { days, by },
});
export const models: Question = { path: "/operator/models" };
export const model = (version: string): Question => ({ path: `/operator/models/${pathSegment(version)}` });
export const trainings: Question = { path: "/operator/trainings", query: { limit: 20 } };
export const drift: Question = { path: "/operator/drift" };
export const quarantine: Question = { path: "/operator/quarantine" };
export const experiments: Question = { path: "/operator/experiments" };
export const rules: Question = { path: "/operator/rules" };
export const cost = (load: Readonly<Record<string, string | undefined>>): Question => ({
  path: "/operator/cost",
  query: load,
});

/** Paths of the requests that change something. */
export const promotion = (version: string): string => `/operator/models/${pathSegment(version)}/promotion`;
export const pinning = (version: string, pinned: boolean): string =>
  `/operator/models/${pathSegment(version)}/${pinned ? "unpin" : "pin"}`;
export const RESUMING = "/operator/models/resume";
export const ROLLBACKS = "/operator/rollbacks";
export const TRAININGS = "/operator/trainings";
export const RULES_PREVIEW = "/operator/rules/preview";
