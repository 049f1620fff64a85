"""The warehouse on Spark: the dbt project as it is, in DuckDB's SQL, translated statement by statement on its way to the session.

Belongs here: what only this target needs. Models, macros and contracts are the same for both targets and know nothing of it.
"""
