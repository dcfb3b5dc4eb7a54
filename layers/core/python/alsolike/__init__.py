"""The vocabulary that every part of Alsolike shares: records, artefacts, and how they are read and written."""
