import type { ComponentType } from "preact";
import type { IconName } from "./parts/icons";
import type { Route } from "./routing";
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

export interface ViewProps {
  readonly route: Route;
}

interface View {
  readonly name: string;
  readonly title: string;
  readonly lead: string;
  readonly icon: IconName;
  readonly group: (typeof GROUPS)[number];
  readonly View: ComponentType<ViewProps>;
}

export const GROUPS = ["Now", "Models", "Shoppers", "Data", "Account"] as const;

/** The views by their place in the navigation; the name is the address. */
export const VIEWS: readonly View[] = [
  {
    name: "overview",
    title: "Overview",
    lead: "What needs attention, and how the shop is being answered.",
    icon: "overview",
    group: "Now",
    View: OverviewView,
  },
  {
    name: "alarms",
    title: "Alarms",
    lead: "What rings, since when, and the runbook that says what to do.",
    icon: "alarms",
    group: "Now",
    View: AlarmsView,
  },
  {
    name: "models",
    title: "Models",
    lead: "Every version with its figures, and which of them serves.",
    icon: "models",
    group: "Models",
    View: ModelsView,
  },
  {
    name: "trainings",
    title: "Trainings",
    lead: "Runs of the workflow from the lake to the champion.",
    icon: "trainings",
    group: "Models",
    View: TrainingsView,
  },
  {
    name: "engagement",
    title: "Engagement",
    lead: "What the answers of these days led to.",
    icon: "engagement",
    group: "Shoppers",
    View: EngagementView,
  },
  {
    name: "experiments",
    title: "Experiments",
    lead: "What each arm did, and whether that can be believed.",
    icon: "experiments",
    group: "Shoppers",
    View: ExperimentsView,
  },
  {
    name: "rules",
    title: "Rules",
    lead: "Try a rule set on somebody's list before shoppers see it.",
    icon: "rules",
    group: "Shoppers",
    View: RulesView,
  },
  {
    name: "drift",
    title: "Drift",
    lead: "How far what happens has moved from what was learned.",
    icon: "drift",
    group: "Data",
    View: DriftView,
  },
  {
    name: "quarantine",
    title: "Quarantine",
    lead: "Records that could not be read, held back with their reasons.",
    icon: "quarantine",
    group: "Data",
    View: QuarantineView,
  },
  {
    name: "cost",
    title: "Cost",
    lead: "A month's bill for a load, line by line.",
    icon: "cost",
    group: "Account",
    View: CostView,
  },
];
