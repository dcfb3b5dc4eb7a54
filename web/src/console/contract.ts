/** Types of the API, and names for their parts. `npm run types` generates `build/api_types` from docs/openapi.json. */
import type {
  Alarms,
  DriftReport,
  EngagementReport,
  Experiments,
  ForecastRecord,
  Increments,
  ModelStory,
  Models,
  RulesPreview,
  Trainings,
} from "../../../build/api_types";

export type * from "../../../build/api_types";
export type Alarm = Alarms["alarms"][number];
export type Drift = NonNullable<DriftReport["looked"]>;
export type EngagementRow = EngagementReport["totals"][number];
export type Forecast = NonNullable<ForecastRecord["forecast"]>;
export type ForecastOutcome = Forecast["outcomes"][number];
export type Experiment = Experiments["experiments"][number];
export type IncrementReport = NonNullable<NonNullable<Increments["holdout"]>["report"]>;
export type GateDecision = NonNullable<ModelStory["decision"]>;
export type ModelVersion = Models["versions"][number];
export type PreviewedItem = RulesPreview["after"][number];
export type TrainingRun = Trainings["runs"][number];
