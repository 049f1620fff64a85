"""The warehouse: the dbt project that turns landing into canonical, reconciled, drift, sync and mart tables, and the Python that runs it.

What decides how systems disagree is SQL under `models/`; this package only generates, builds and publishes. Reading vendors belongs to
`ingestion`, judging the result to `quality`, writing to vendors to `reverse_sync`.
"""
