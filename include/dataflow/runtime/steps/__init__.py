"""What each task of a run does: one module a kind of step, and what only these steps need."""
