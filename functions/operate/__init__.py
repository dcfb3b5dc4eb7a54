"""The operator's actions through the API: model versions, trainings, previews of rules."""
