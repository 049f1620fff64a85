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
        ("owner: erp", "owner: finance", ["customer.yml", "owner", "erp, crm, billing, support"]),
        ("type: boolean", "type: yesno", ["customer.yml", "unknown type 'yesno'", "Types:"]),
        ("hold_grace: 60s", "hold_grace: soon", ["customer.yml", "policy.hold_grace", "15m"]),
        ("allowed: [ok, hold]", "allowed: [ok, hold]\n    zendesk: {hold: hold}", ["customer.yml", "values.credit_status.zendesk", "contracts/systems"]),
        ("grain: [customer_id]", "grain: [customer]", ["customer.yml", "grain", "'customer'"]),
        ("expected_in:", "expectd_in:", ["customer.yml", "expectd_in", "no key"]),
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


@pytest.mark.parametrize(
    ("find", "put", "parts"),
    [
        ("Hold: hold", "Hold: blocked", ["salesforce.yml", "values.customer.credit_status", "Allowed: ok, hold"]),
        ("customer.credit_status", "customer.credit_state", ["salesforce.yml", "values.customer.credit_state", "customer.credit_status"]),
        ("system: salesforce", "system: sugar", ["salesforce.yml", "named as the file"]),
        ("Hold: hold", "7: hold", ["salesforce.yml", "values.customer.credit_status", "Quote"]),
    ],
)
def test_a_wrong_value_map_is_explained(tmp_path: Path, find: str, put: str, parts: list[str]) -> None:
    shutil.copytree(CONTRACTS, tmp_path / "contracts")
    path = tmp_path / "contracts" / "systems" / "salesforce.yml"
    text = path.read_text()
    assert find in text
    path.write_text(text.replace(find, put, 1))
    with pytest.raises(UsageError) as raised:
        generated_files(tmp_path / "contracts")
    assert all(part in str(raised.value) for part in parts), str(raised.value)



def test_every_entity_has_a_model_and_statuses_are_mapped() -> None:
    entities = load_entities()
    assert {entity.name for entity in entities} >= {
        "customer", "contact", "product", "opportunity", "contract", "subscription", "order", "invoice", "payment", "credit_note", "refund",
        "entitlement", "case"}
    for entity in entities:
        assert (DBT_PROJECT / "models" / "canonical" / f"{entity.model}.sql").exists()
        for name, field in entity.fields.items():
            assert not field.get("values") or name in entity.values, f"{entity.name}.{name} promises a value map"
