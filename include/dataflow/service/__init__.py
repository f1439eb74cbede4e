"""Start, watch and stop the programs that make up an installation."""
