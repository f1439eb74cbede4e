"""How a run sets bad rows aside, and how a replay leads them back.

* a run
  - misfits                  ingest: what the schema_contract refuses is not landed, but goes into quarantine
  - set_aside                validate: what a check refuses leaves the batch for quarantine
  - known_corrections        both: unless it is the very row that a replay had corrected before
* replay                     which records, one run and table after the other; an interrupted replay goes on
  - later_reads              what later runs have read again of these rows since, and judged themselves
  - prospect                 what a replay would do by now with a record's rows, in words
  - replay_run               the replay as a run of its own: first put_back, then transform, load, dbt and publish
* put_back                   rows that pass become part of a new batch, which stands for the run's own
  - corrected_file           the record's rows with the values that somebody corrected
  - candidates               the same rows as ingest would land them
  - judge_again              the same checks, over them and the batch together
  - remember                 what corrected rows were and are now, for the next run that reads them

What lies in quarantine, its files and its records, is `dataflow.quarantine`'s.
"""
