"""What stops a push: an incomplete read or a stale source of the fields that would be written.

A partial read must never drive a write, and an owner that no longer speaks must not be quoted.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from concord.connections import Connection

# the resources that a push's desired state is made of, by the role that owns them; read from what the sync models select
INPUTS: Mapping[str, frozenset[str]] = {
    "erp": frozenset({"customers", "transactions", "transaction_lines"}),
    "billing": frozenset({"customers", "subscriptions"}),
}
TARGETS: Mapping[str, frozenset[str]] = {
    "support": frozenset({"organizations", "tickets"}),
    "crm": frozenset({"accounts"}),
}




def push_stops(warehouse: duckdb.DuckDBPyConnection, connections: Mapping[str, Connection]) -> dict[str, str]:
    """By target connection, the reason to push nothing there; empty when all may go."""
    roles = {name: connection.role for name, connection in connections.items()}
    rows = warehouse.sql(
        "select drift_id, left_connection, coalesce(left_entity, ''), detail from drift where drift_id in ('D13', 'D14')"
        " order by drift_id, left_connection, left_entity"
    ).fetchall()
    stops: dict[str, str] = {}
    for drift_id, source, resource, detail in rows:
        role = roles.get(source, "")
        feeds_all = role in INPUTS and (drift_id == "D13" or resource in INPUTS[role])
        for target, target_role in roles.items():
            if target_role not in TARGETS:
                continue
            own_read_incomplete = target == source and drift_id == "D14" and resource in TARGETS[target_role]
            if (feeds_all or own_read_incomplete) and target not in stops:
                stops[target] = detail or f"{drift_id} on {source} {resource}".strip()
    return stops
