"""Upkeep of an installation: what is left over or too old is deleted, once a day, beside running workflows.

`chores` is the list of the chores, for the DAG and for ``dataflow maintenance run``. A module each, of the same name:

    orphans      sweeps what killed tasks left: `landing.orphans`, `quarantine.orphans`, `runtime.leftovers`
    landing      expires batches that nobody needs any more
    quarantine   expires records that are over: `quarantine.expiry`
    published    expires versions that readers have left: `warehouse.versions`
    history      expires the stories of old runs
    warehouse    tidies: small files put together, old versions and stamps gone: `warehouse.upkeep`

By hand only: `retype` gives a loaded column another type.

To sweep is to delete what nothing names, after a day; to expire, what is named but older than a ``DATAFLOW_KEEP_*``.
"""
