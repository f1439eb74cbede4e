"""The program `dataflow`."""
