"""The canary of a version that passed the gate: a trial next to the champion, then promotion or rollback."""
