"""Judge tables: checks as DuckDB SQL."""
