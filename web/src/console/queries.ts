import { MAX_PAGE_ROWS } from "../../../build/api_types";
import { pathSegment } from "../platform/api";
import type { Query } from "./query_cache";

/** Refresh intervals of live data, and of data counted from the lake. */
export const LIVE_MS = 10_000;
export const SLOW_MS = 60_000;

export const traffic = (minutes: number): Query => ({ path: "/operator/traffic", parameters: { minutes } });
export const alarms: Query = { path: "/operator/alarms" };
export const engagement = (days: number, by: string): Query => ({
  path: "/operator/engagement",
  parameters: { days, by },
});
export const increments: Query = { path: "/operator/increments" };
export const models: Query = { path: "/operator/models" };
export const model = (version: string): Query => ({ path: `/operator/models/${pathSegment(version)}` });
export const trainings: Query = { path: "/operator/trainings", parameters: { limit: 20 } };
export const drift: Query = { path: "/operator/drift" };
export const quarantine: Query = { path: "/operator/quarantine" };
export const experiments: Query = { path: "/operator/experiments" };
export const rules: Query = { path: "/operator/rules" };
export const ruleHistory: Query = { path: "/operator/rules/history" };
export const item = (id: string): Query => ({ path: `/items/${pathSegment(id)}` });
/** Suggestions for a field that takes an item ID: the first page of the catalogue. */
export const someItems: Query = { path: "/items", parameters: { limit: MAX_PAGE_ROWS } };
export const cost = (load: Readonly<Record<string, string | undefined>>): Query => ({
  path: "/operator/cost",
  parameters: load,
});

export const promotion = (version: string): string => `/operator/models/${pathSegment(version)}/promotion`;
export const pin = (version: string, pinned: boolean): string =>
  `/operator/models/${pathSegment(version)}/${pinned ? "unpin" : "pin"}`;
export const RESUME = "/operator/models/resume";
export const ROLLBACKS = "/operator/rollbacks";
export const TRAININGS = "/operator/trainings";
export const RULES = "/operator/rules";
export const RULES_CHECK = "/operator/rules/check";
export const RULES_PREVIEW = "/operator/rules/preview";
export const FORECASTS = "/operator/rules/forecasts";
export const forecast = (id: string): string => `${FORECASTS}/${pathSegment(id)}`;
