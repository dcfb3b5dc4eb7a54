"""Publication of static lists on the pages' distribution, for browsers that rank without the API."""
