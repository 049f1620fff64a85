"""The Spark session of a build: how it counts, where its tables lie, and the few functions that it has to be given.

Belongs here: settings without which Spark would give other values than DuckDB. Where Spark runs and how much it may use is the
installation's: `CONCORD_SPARK_MASTER` and Spark's own spark-defaults.conf.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

from concord.errors import ConcordError, first_line
from transform.spark.dialect import UDFS

_COUNTS_LIKE_DUCKDB = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # what does not fit is an error, not a null
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",  # decimals keep their places
    "spark.sql.legacy.decimal.retainFractionDigitsOnTruncate": "true",
    "spark.sql.parquet.mergeSchema": "true",  # a column may come with a later file
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.caseSensitive": "false",
    "spark.sql.constraintPropagation.enabled": "false",  # Spark 4.3 fails where kept steps meet in a union ("key not found")
    # Spark 4.3 fails in this rule where a subquery stands above a union ("key not found"); without it the plans are only longer
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.PushProjectionThroughUnion",
}
_QUIET = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.catalogImplementation": "in-memory",  # a table is its folder; there is no metastore to keep in step
}
SCHEMA = "main"
_STARTING = threading.Lock()
_MARK = "concord.warehouse"  # whose tables the session knows
# on this machine; of a cluster spark-defaults.conf says it
_LOCAL = {
    "spark.sql.shuffle.partitions": "4",  # a company's tables are small for 200 parts
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "127.0.0.1",
}


def check_installed() -> None:
    """Raises ConcordError naming what is missing for this target: PySpark, or a Java runtime."""
    if importlib.util.find_spec("pyspark") is None:
        raise ConcordError("PySpark is not installed.", where="target spark", mend="Run `pip install -e '.[spark]'` in the project's folder.")
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        raise ConcordError("there is no Java runtime.", where="target spark", mend="Install Java 17 or newer (Debian: openjdk-17-jre-headless).")


def spark_session(master: str, warehouse: str) -> Any:
    """The process's session; `warehouse` is the folder or the address of the tables. Raises ConcordError when it cannot start."""
    check_installed()
    with _STARTING:
        return _session(master, warehouse)


def _session(master: str, warehouse: str) -> Any:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else a worker takes the first `python3` there is
    builder = SparkSession.builder.appName("concord").master(master)
    told = {**_COUNTS_LIKE_DUCKDB, **_QUIET, "spark.sql.warehouse.dir": warehouse}
    if master.startswith("local"):
        told |= {**_LOCAL, "spark.driver.memory": os.environ.get("SPARK_DRIVER_MEMORY") or "2g"}
    for name, value in told.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()  # one a process
    except (PySparkException, RuntimeError) as error:
        raise ConcordError(f"Spark does not start ({first_line(error)}).", where=master, mend="See docs/spark.md.") from None
    if session.conf.get(_MARK, "") == warehouse:
        return session
    for name, value in _COUNTS_LIKE_DUCKDB.items():  # a session that was there already
        session.conf.set(name, value)
    session.sql(f"drop schema if exists {SCHEMA} cascade")  # names of another warehouse's folders; the folders stay
    for noisy in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):  # a failed statement is told once, by who asked for it
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    session.sparkContext.setLogLevel("OFF")
    _register_functions(session)
    session.conf.set(_MARK, warehouse)
    return session


def _register_functions(session: Any) -> None:
    """Functions of DuckDB's that Spark lacks, computed by DuckDB itself, a batch of rows at a time: so they give the same by construction."""
    from pyspark.sql.functions import arrow_udf

    def accents(texts: Any) -> Any:
        import duckdb
        import pyarrow

        batch = pyarrow.table({"text": texts})
        with duckdb.connect() as computer:
            computer.register("batch", batch)
            return computer.sql("select strip_accents(text) as told from batch").to_arrow_table().column("told").combine_chunks()

    def alike(left: Any, right: Any) -> Any:
        import duckdb
        import pyarrow

        batch = pyarrow.table({"l": left, "r": right})
        with duckdb.connect() as computer:
            computer.register("batch", batch)
            return computer.sql("select jaro_winkler_similarity(l, r) as told from batch").to_arrow_table().column("told").combine_chunks()

    import pyarrow  # annotations decide how Spark calls them

    accents.__annotations__ = {"texts": pyarrow.Array, "return": pyarrow.Array}
    alike.__annotations__ = {"left": pyarrow.Array, "right": pyarrow.Array, "return": pyarrow.Array}
    session.udf.register(UDFS["strip_accents"], arrow_udf(accents, "string"))
    session.udf.register(UDFS["jaro_winkler_similarity"], arrow_udf(alike, "double"))


def location(warehouse: str, name: str) -> str:
    """Where a table lies."""
    return f"{warehouse.rstrip('/')}/{SCHEMA}/{name}"


def is_local(address: str) -> bool:
    return "://" not in address or address.startswith("file:")


def local_path(address: str) -> Path:
    return Path(address.removeprefix("file://").removeprefix("file:"))
