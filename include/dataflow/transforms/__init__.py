"""Change tables: stages as DuckDB SQL, and author functions."""
