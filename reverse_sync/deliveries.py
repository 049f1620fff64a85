"""What became of every write, for readers outside this package. What does not belong here: changing anything."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from reverse_sync.store import Store, outbox, receipts
from reverse_sync.values import moment, stamp

_DELIVERY = ("connection", "object", "record_id", "state", "priority", "correlation_id", "idempotency_key", "reason_class", "exposure",
             "currency", "attempts", "source_commit_at", "created_at", "updated_at", "delivered_at", "verified_at")


def delivery_mark(store: Store) -> str:
    """Another text whenever a delivery or receipt has changed."""
    with store.reading() as connection:
        newest = connection.execute(sa.select(sa.func.count(), sa.func.max(outbox.c.id), sa.func.max(outbox.c.updated_at))).one()
        states = connection.execute(sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state).order_by(outbox.c.state)).all()
        last = connection.scalar(sa.select(sa.func.max(receipts.c.id)))
    return json.dumps([*newest, [list(row) for row in states], last])


def deliveries(store: Store, kept: timedelta) -> list[dict[str, Any]]:
    """Every write that was intended, oldest first; `kept` before the newest and no further back."""
    with store.reading() as connection:
        newest = moment(connection.scalar(sa.select(sa.func.max(outbox.c.updated_at))))
        if newest is None:
            return []
        query = sa.select(outbox).where(outbox.c.updated_at >= stamp(newest - kept)).order_by(outbox.c.id)
        return [
            {**{name: row[name] for name in _DELIVERY}, "delivery_id": row["id"], "customer_id": row["golden_customer_id"],
             "fields": sorted(json.loads(row["payload"]))}
            for row in connection.execute(query).mappings()
        ]


def read_backs(store: Store, kept: timedelta) -> list[dict[str, Any]]:
    """Every receipt, oldest first; `kept` before the newest and no further back."""
    with store.reading() as connection:
        newest = moment(connection.scalar(sa.select(sa.func.max(receipts.c.read_back_at))))
        if newest is None:
            return []
        query = sa.select(receipts).where(receipts.c.read_back_at >= stamp(newest - kept)).order_by(receipts.c.id)
        return [
            {"receipt_id": row["id"], "delivery_id": row["outbox_id"], "connection": row["connection"], "object": row["object"],
             "record_id": row["record_id"], "idempotency_key": row["idempotency_key"], "is_written": row["written"], "outcome": row["outcome"],
             "delivered_at": row["delivered_at"], "read_back_at": row["read_back_at"]}
            for row in connection.execute(query).mappings()
        ]
