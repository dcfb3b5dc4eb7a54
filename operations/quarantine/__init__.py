"""Records in quarantine: selection and replay."""
