"""Extraction: a system's YAML and a connection become typed Parquet in the landing zone.

Here: reading vendors over HTTP, typing, landing, completeness audits. Not here: anything that interprets what was read
(transform/) or that decides what to write to a vendor (reverse_sync/).
"""
