"""`alsolike experiments`: comparing arms, from the plan to the report."""
