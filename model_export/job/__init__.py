"""The training job: dataset in, model bundle out."""
