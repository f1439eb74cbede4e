"""What a workflow would do, step by step, with the SQL of each: the functions that run it, on tables without rows."""
