"""Databases as sources: PostgreSQL and SQLite through DuckDB's scanners, the others through SQLAlchemy."""
