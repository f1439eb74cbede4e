"""dbt on the warehouse: one connection that keeps its turn, how far models reach, and what its errors say."""
