"""What the config model cannot see by itself, one topic a module: each rule yields what it finds."""
