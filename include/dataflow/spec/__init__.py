"""The config model: what one ``config.yaml`` may say, strict, frozen, documented by its own fields."""
