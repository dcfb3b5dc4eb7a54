"""What an operator does through the API: model versions, trainings, rules tried."""
