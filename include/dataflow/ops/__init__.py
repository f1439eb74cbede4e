"""Run history: what ran, over which window, with what result."""
