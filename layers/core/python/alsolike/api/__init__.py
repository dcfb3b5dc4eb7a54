"""The API's routes with their requests and responses, and the OpenAPI document."""
