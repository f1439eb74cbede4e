"""What a source declares against what comes: its columns, and every value, which no cast changes in silence."""
