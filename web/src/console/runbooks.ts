/** With what each runbook begins to look: commands of its part "Check" that need no id. */
export const FIRST_LOOK: Readonly<Record<string, readonly string[]>> = {
  attribution: ["alsolike engagement --refresh"],
  catalogue: ["alsolike status"],
  drift: ["alsolike drift --refresh", "alsolike status"],
  errors: ["alsolike status", "alsolike models list"],
  quarantine: ["alsolike quarantine list --totals --since 6h", "alsolike quarantine list --limit 5"],
  served: ["alsolike quarantine list --since 6h --totals", "alsolike engagement"],
  stale: ["alsolike status", "alsolike models list"],
  upkeep: ["alsolike status", "alsolike config show"],
};
