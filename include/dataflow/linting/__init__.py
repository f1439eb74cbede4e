"""The deep look at configs, which a parse has no time for: their SQL, their dbt models, their neighbours."""
