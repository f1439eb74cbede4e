"""Files as sources: found where they lie, and read as what their format says."""
