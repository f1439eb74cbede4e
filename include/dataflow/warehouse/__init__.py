"""The DuckDB file of loaded tables and models: its lock, loads and snapshots."""
