"""Why an answer was what it was."""
