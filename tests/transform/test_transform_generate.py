"""Generated files follow from the contracts, and a contract that does not fit is explained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from concord.errors import UsageError
from transform.generate import CONTRACTS, DBT_PROJECT, generated_files, load_entities


def test_committed_files_are_what_the_contracts_give() -> None:
    for name, content in generated_files().items():
        assert (DBT_PROJECT / name).read_text() == content, f"{name} is stale: run `python -m transform.generate`"


@pytest.mark.parametrize(
    ("find", "put", "parts"),
    [
        ("customers.creditlimit", "customers.creditlimitt", ["customer.yml", "fields.credit_limit.from.netsuite", "Did you mean 'customers.creditlimit'?"]),
        ("owner: erp", "owner: finance", ["customer.yml", "owner", "erp, crm, billing, support"]),
        ("type: boolean", "type: yesno", ["customer.yml", "unknown type 'yesno'", "Types:"]),
        ("hold_grace: 60s", "hold_grace: soon", ["customer.yml", "policy.hold_grace", "15m"]),
        ("Hold: hold", "Hold: blocked", ["customer.yml", "values.credit_status.salesforce", "allowed"]),
        ("grain: [customer_id]", "grain: [customer]", ["customer.yml", "grain", "'customer'"]),
        ("expected_in:", "expectd_in:", ["customer.yml", "expectd_in", "no key"]),
        ("zendesk: organizations.name", "zendesc: organizations.name", ["customer.yml", "fields.name.from", "zendesc"]),
    ],
)
def test_a_wrong_contract_is_explained(tmp_path: Path, find: str, put: str, parts: list[str]) -> None:
    shutil.copytree(CONTRACTS, tmp_path / "contracts")
    path = tmp_path / "contracts" / "entities" / "customer.yml"
    text = path.read_text()
    assert find in text
    path.write_text(text.replace(find, put, 1))
    with pytest.raises(UsageError) as raised:
        load_entities(tmp_path / "contracts")
    for part in parts:
        assert part in str(raised.value)


def test_every_entity_has_a_model_and_statuses_are_mapped() -> None:
    entities = load_entities()
    assert {entity.name for entity in entities} >= {
        "customer", "contact", "product", "opportunity", "contract", "subscription", "order", "invoice", "payment", "credit_note", "refund",
        "entitlement", "case"}
    for entity in entities:
        assert (DBT_PROJECT / "models" / "canonical" / f"{entity.model}.sql").exists()
        for name, field in entity.fields.items():
            assert not field.get("values") or name in entity.values, f"{entity.name}.{name} promises a value map"
