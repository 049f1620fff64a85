"""ServiceNow's ids of the world's rows: every record has a sys_id of 32 hexadecimal characters."""

from __future__ import annotations

from hashlib import md5

# beside the world's entities the records that the instance derives from them
_ENTITIES = frozenset({
    "customer", "contact", "agent", "product", "ticket", "asset", "comment", "change", "entitlement", "service_contract",
    "service_contract_line", "sold_product", "install_base_item", "covered_product", "task_sla", "sla_definition", "group",
    "group_member", "user_role", "role", "choice", "delete", "case_entitlement", "table", "rate_rule", "model_category", "import_set",
})


def native_id(entity: str, key: int | str) -> str:
    if entity not in _ENTITIES:
        raise KeyError(entity)
    return md5(f"servicenow {entity} {key}".encode(), usedforsecurity=False).hexdigest()
