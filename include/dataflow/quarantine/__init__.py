"""Quarantine: rows that a run left out, whole, with what refused them, until somebody puts them right.

    ingest, validate ─set aside─> store ─> records ─> showing ─replay─> replays ─> the next transform, load, publish

* `store`         the rows' files under the landing, and then the record that lets everybody see them
* `records`       what waits, what was replayed, what is over: the table ``core_quarantine``
* `superseding`   records end to count when a later try or run judges their rows anew
* `showing`       ``dataflow quarantine show``: the rows as people see them, and as a file to correct
* `replays`       which batch stands for a run's own since rows came back into it: the table ``core_replays``
* `corrections`   what replays made of bad rows, for runs that read the same ones: the table ``core_corrections``;
                  `fingerprint` tells which are the same, `same_rows` which corrections know the same row
* `orphans`       files that no record names, swept; `expiry`: records that are over and old, deleted

What runs and replays do with it is in `dataflow.runtime.quarantine`.
"""
