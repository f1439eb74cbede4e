"""New workflows from templates."""
