"""Sources: where data comes from, and how it becomes a landed batch."""
