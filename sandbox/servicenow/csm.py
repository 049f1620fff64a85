"""The scripted APIs of Customer Service Management: accounts, contacts, consumers, cases, entitlements, service contracts.

They read and write the same records as the Table API, with their own shapes: raw values without links, and true nulls in the
entitlement and contract answers. Routes and rights belong to `api`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.protocol import Record
from sandbox.servicenow.catalogue import choices_of
from sandbox.servicenow.instance import Instance
from sandbox.servicenow.query import parse, select

LISTS = {
    "/api/now/account": "customer_account",
    "/api/now/contact": "customer_contact",
    "/api/now/consumer": "csm_consumer",
    "/api/sn_customerservice/case": "sn_customerservice_case",
}
_AUDIT = ("sys_id", "sys_created_by", "sys_updated_by", "sys_created_on", "sys_updated_on")
_ENTITLEMENT = (
    *_AUDIT, "entitlement_name", "account", "consumer", "household", "contract", "service_contract_line", "state", "product_offering",
    "sold_entitlement", "product", "start_date", "end_date",
)
_CONTRACT = (*_AUDIT, "account", "consumer", "household", "number", "state", "starts", "ends", "short_description", "vendor_contract")
_LINE = (
    *_AUDIT, "name", "number", "contract", "parent_contract_line", "sold_product", "starts", "ends", "product_offering",
    "product_specification", "product_model",
)
_DATES = frozenset({"start_date", "end_date", "starts", "ends", "added", "removed", "period_start", "period_end"})


def entitlement(instance: Instance, row: Record) -> Record:
    """An entitlement with what it covers."""
    return {
        **_named(instance, "service_entitlement", row, _ENTITLEMENT),
        **_covered(instance, "entitlement", row["sys_id"]),
        "entitlement_characteristics": _characteristics(instance, "entitlement", row["sys_id"]),
    }


def service_contract(instance: Instance, row: Record) -> Record:
    lines = _where(instance, "sn_pss_core_service_contract_line", f"contract={row['sys_id']}^parent_contract_lineISEMPTY")
    free = _where(instance, "service_entitlement", f"contract={row['sys_id']}^service_contract_lineISEMPTY")
    return {
        **_named(instance, "sn_pss_core_service_contract", row, _CONTRACT),
        "service_contract_lines": [contract_line(instance, line) for line in lines],
        "entitlements": [entitlement(instance, one) for one in free],
    }


def contract_line(instance: Instance, row: Record) -> Record:
    sys_id = row["sys_id"]
    children = _where(instance, "sn_pss_core_service_contract_line", f"parent_contract_line={sys_id}")
    entitlements = _where(instance, "service_entitlement", f"service_contract_line={sys_id}")
    return {
        **_named(instance, "sn_pss_core_service_contract_line", row, _LINE),
        "child_contract_lines": [contract_line(instance, line) for line in children],
        "entitlements": [entitlement(instance, one) for one in entitlements],
        **_covered(instance, "service_contract_line", sys_id),
        "entitlement_characteristics": _characteristics(instance, "service_contract_line", sys_id),
    }


def _covered(instance: Instance, column: str, sys_id: str) -> Record:
    rows = _where(instance, "sn_install_base_m2m_contract_sold_product", f"{column}={sys_id}")
    shared = (*_AUDIT, "contract", "service_contract_line", "entitlement")

    def listed(name: str) -> list[Record]:
        return [_named(instance, "sn_install_base_m2m_contract_sold_product", row, (*shared, name, "added", "removed")) for row in rows if row.get(name)]

    return {"sold_products_covered": listed("sold_product"), "install_base_items_covered": listed("install_base")}


def _characteristics(instance: Instance, column: str, sys_id: str) -> list[Record]:
    names = (*_AUDIT, "service_contract_line", "entitlement", "characteristic_option", "value", "characteristic", "type")
    usage = (*_AUDIT, "entitlement", "service_contract_line", "entitlement_characteristic", "period_start", "period_end", "total_units", "used_units")
    return [
        {
            **_named(instance, "sn_pss_core_entitlement_characteristic", row, names),
            "entitlement_usage": [
                _named(instance, "sn_pss_core_entitlement_usage", one, usage)
                for one in _where(instance, "sn_pss_core_entitlement_usage", f"entitlement_characteristic={row['sys_id']}")
            ],
        }
        for row in _where(instance, "sn_pss_core_entitlement_characteristic", f"{column}={sys_id}")
    ]


def activities(instance: Instance, row: Record) -> Record:
    """A case's stream of comments and notes, newest first."""
    labels = {"comments": "Additional comments", "work_notes": "Work notes"}
    entries = []
    for entry in reversed(instance.entries_of(row["sys_id"])):
        user = instance.user_name_id(entry["sys_created_by"])
        name = instance.display_of("sys_user", user) or entry["sys_created_by"]
        entries.append({
            "sys_created_on_adjusted": entry["sys_created_on"], "sys_id": entry["sys_id"], "login_name": name, "user_sys_id": user,
            "initials": "".join(part[0] for part in name.split()[:2]).upper(), "sys_created_on": entry["sys_created_on"],
            "contains_code": "false", "field_label": labels[entry["element"]], "name": name, "value": entry["value"],
            "element": entry["element"]})
    number = row.get("number", "")
    return {
        "display_value": number, "sys_id": row["sys_id"], "short_description": row.get("short_description", ""), "number": number,
        "entries": entries, "user_sys_id": instance.integration_id,
        "user_full_name": instance.display_of("sys_user", instance.integration_id), "user_login": instance.integration_login,
        "label": "Case", "table": "sn_customerservice_case",
        "journal_fields": [
            {"can_read": True, "color": "transparent", "can_write": True, "name": "comments", "label": labels["comments"]},
            {"can_read": True, "color": "gold", "can_write": True, "name": "work_notes", "label": labels["work_notes"]},
        ],
        "sys_created_on": row["sys_created_on"], "sys_created_on_adjusted": row["sys_created_on"],
    }


def field_values(instance: Instance, name: str, limit: int) -> list[Record] | None:
    """What a case's column may hold: its choices, or the records that it may refer to. None for what is no such column."""
    column = instance.columns("sn_customerservice_case").get(name)
    if column is None:
        return None
    labels = choices_of("sn_customerservice_case", name)
    if labels:
        return [{"label": label, "value": value} for value, label in labels.items()]
    rows = instance.ordered(column.reference, ())[:limit] if column.reference else []
    return [{"label": instance.display_of(column.reference, row["sys_id"]), "value": row["sys_id"]} for row in rows]


def _named(instance: Instance, table: str, row: Record, names: Iterable[str]) -> Record:
    """The columns as these APIs give them: what is empty is null, except for dates."""

    def shown(name: str) -> Any:
        value = row.get(name, instance.default(table, name))
        return value if value or name in _DATES else None

    return {name: shown(name) for name in names}


def _where(instance: Instance, table: str, encoded: str) -> list[Record]:
    return [row for row in select(instance, table, parse(instance, table, encoded)).all() if "_hidden" not in row]
