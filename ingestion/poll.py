"""Did anything change? One or two cheap questions to a vendor, for the sensors. What changed is for an extraction to find out."""

from __future__ import annotations

from concord.connections import Connection, SandboxAccount
from ingestion.client import open_client
from ingestion.filedrop.extraction import newest_file
from ingestion.filedrop.form import SYSTEM
from ingestion.readers import reader_of


def newest_change(connection: Connection, account: SandboxAccount | None = None) -> str:
    """A text that differs whenever the vendor has a newer change; empty where it shows none.

    Raises ConcordError as a read does. Zendesk shows a change a minute late, the others at once.
    """
    if connection.system == SYSTEM:
        return newest_file(connection)
    with open_client(connection, account, timeout=(5.0, 20.0)) as client:
        return reader_of(client.system.protocol).newest_change(client)
