"""From a workflow's folder to a checked spec, or to problems with their places."""
