"""Import sets: rows that are put into a staging table and carried over to their target by a coalesce column. Routes belong to `api`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sandbox.protocol import Record
from sandbox.servicenow.catalogue import TABLES, columns_of
from sandbox.servicenow.ids import native_id
from sandbox.servicenow.instance import Instance
from sandbox.servicenow.records import stamp, text
from sandbox.servicenow.writes import Policy, Refused, insert, update


@dataclass(frozen=True)
class TransformMap:
    name: str
    target: str
    coalesce: str
    columns: frozenset[str]


MAPS = {
    "u_erp_account_status": TransformMap(
        "ERP account status", "customer_account", "u_erp_customer_id",
        frozenset({"u_erp_customer_id", "u_credit_status", "u_erp_balance", "u_overdue_amount", "u_overdue_days", "u_tax_id"})),
}


def import_set(instance: Instance) -> str:
    return f"ISET{instance.store.next_number('import_set', 10_001):07d}"


def set_id(number: str, kind: str) -> str:
    """The sys_id of an import set, or of the multi import set around it."""
    return native_id("import_set", f"{kind} {number}")


def import_row(instance: Instance, staging: str, sent: Record, number: str, policy: Policy, base_url: str) -> Record:
    """Stage one row and carry it over: one entry of the answer's `result`."""
    rule = MAPS[staging]
    known = columns_of(staging)
    row = {name: text(value) for name, value in sent.items() if name in known and not name.startswith("sys_")}
    answer: Record = {"transform_map": rule.name, "table": rule.target}
    values = {name: value for name, value in row.items() if name in rule.columns}
    key = values.get(rule.coalesce, "")
    found = next((one for one in instance.ordered(rule.target, ()) if key and one.get(rule.coalesce) == key), None)
    record: Record | None = None
    try:
        if not key:
            status, comment = "error", f"the coalesce column {rule.coalesce} is empty"
        elif found is None:
            record, status, comment = insert(instance, rule.target, {**values, "name": key}, policy), "inserted", ""
        else:
            record = update(instance, rule.target, found, values, policy)
            status, comment = ("ignored", "no change") if record is found else ("updated", "")
    except Refused as refused:
        status, comment = "error", refused.response.body.decode()
    staged = {
        **row, "sys_id": secrets.token_hex(16), "sys_created_on": stamp(instance.clock.now()), "sys_created_by": instance.integration_login,
        "sys_updated_on": stamp(instance.clock.now()), "sys_updated_by": instance.integration_login, "sys_import_state": status,
        "sys_import_state_comment": comment, "sys_target_sys_id": record["sys_id"] if record else "", "sys_import_set": number}
    instance.put(staging, staged)
    if record is None:
        return {**answer, "status": status, "error_message": comment}
    display = TABLES[rule.target].display
    answer |= {
        "display_name": display, "display_value": record.get(display, ""),
        "record_link": f"{base_url}/api/now/table/{rule.target}/{record['sys_id']}", "status": status, "sys_id": record["sys_id"]}
    return {**answer, "status_message": comment} if comment else answer


def by_label(staging: str, sent: Record) -> Record:
    """A row whose keys are column labels, as bulk inserts take them."""
    labels = {name.removeprefix("u_").replace("_", " ").capitalize(): name for name in columns_of(staging)}
    return {labels[label]: value for label, value in sent.items() if label in labels}


def staged_result(instance: Instance, staging: str, row: Record, base_url: str) -> Record:
    rule = MAPS[staging]
    target = row.get("sys_target_sys_id", "")
    return {
        "transform_map": rule.name, "table": rule.target, "display_name": TABLES[rule.target].display,
        "display_value": instance.display_of(rule.target, target),
        "record_link": f"{base_url}/api/now/table/{rule.target}/{target}" if target else "", "status": row.get("sys_import_state", ""),
        "sys_id": target}
