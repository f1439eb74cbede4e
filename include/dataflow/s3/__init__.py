"""Objects in S3, or in any store that speaks its protocol, reached through a connection of Airflow's."""
