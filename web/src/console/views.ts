import type { ComponentType } from "preact";
import type { IconName } from "./parts/icons";
import type { Route } from "./routing";
import { runbook } from "./runbooks";
import { AlarmsView } from "./views/alarms";
import { CostView } from "./views/cost";
import { DriftView } from "./views/drift";
import { EngagementView } from "./views/engagement";
import { ExperimentsView } from "./views/experiments";
import { ModelsView } from "./views/models";
import { OverviewView } from "./views/overview";
import { QuarantineView } from "./views/quarantine";
import { RulesView } from "./views/rules";
import { TrainingsView } from "./views/trainings";

interface ViewProps {
  readonly route: Route;
}

interface View {
  readonly name: string;
  readonly title: string;
  readonly lead: string;
  readonly icon: IconName;
  readonly group: (typeof GROUPS)[number];
  readonly View: ComponentType<ViewProps>;
  /** Returns the heading for the ID in an address. By default, the ID is the heading. */
  readonly titleOf?: (id: string) => string;
}

export const GROUPS = ["Now", "Models", "Shoppers", "Data", "Account"] as const;

/** The views in the order of the navigation. The name of a view is its address. */
export const VIEWS: readonly View[] = [
  {
    name: "overview",
    title: "Overview",
    lead: "Open problems, traffic and latency.",
    icon: "overview",
    group: "Now",
    View: OverviewView,
  },
  {
    name: "alarms",
    title: "Alarms",
    lead: "Conditions that notify the operators, with their state, severity and runbook.",
    icon: "alarms",
    group: "Now",
    View: AlarmsView,
    titleOf: (id) => runbook(id)?.title ?? id,
  },
  {
    name: "models",
    title: "Models",
    lead: "All versions with their quality figures. The champion serves.",
    icon: "models",
    group: "Models",
    View: ModelsView,
  },
  {
    name: "trainings",
    title: "Trainings",
    lead: "Runs of the training workflow.",
    icon: "trainings",
    group: "Models",
    View: TrainingsView,
  },
  {
    name: "engagement",
    title: "Engagement",
    lead: "Clicks, carts and purchases that followed recommendations, and the sales that they added.",
    icon: "engagement",
    group: "Shoppers",
    View: EngagementView,
  },
  {
    name: "experiments",
    title: "Experiments",
    lead: "Results per arm, with confidence intervals.",
    icon: "experiments",
    group: "Shoppers",
    View: ExperimentsView,
  },
  {
    name: "rules",
    title: "Rules",
    lead: "Pins, promotions, boosts and other rules. Changes stay a draft until you publish them.",
    icon: "rules",
    group: "Shoppers",
    View: RulesView,
  },
  {
    name: "drift",
    title: "Drift",
    lead: "Difference between recent events and the training data.",
    icon: "drift",
    group: "Data",
    View: DriftView,
  },
  {
    name: "quarantine",
    title: "Quarantine",
    lead: "Records that could not be processed, by reason.",
    icon: "quarantine",
    group: "Data",
    View: QuarantineView,
  },
  {
    name: "cost",
    title: "Cost",
    lead: "Monthly cost of a load, line by line.",
    icon: "cost",
    group: "Account",
    View: CostView,
  },
];
