"""Files that people export by hand or a legacy system writes, as a system like any other.

What belongs here: the form of a drop, reading a file's bytes, its values and totals, and the extraction that lands them.
What does not: typing (ingestion/columns.py), Parquet and dlt (ingestion/landing.py), vendors with an API (ingestion/readers/).
"""
