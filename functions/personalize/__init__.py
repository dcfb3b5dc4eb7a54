"""The control plane of Amazon Personalize, as far as this deployment has an equivalent."""
