"""A code that no value map knows, from each system and for each field that has a map: the row stays and a D5 names the code.

Belongs here: one landed row a system and field, in that vendor's own columns. What known codes become is in the tests of the systems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection, Role
from concord.settings import Settings
from ingestion.run import ingest
from tests.dbt_cache import dbt_cache
from tests.transform.landing_fixture import RECENT, Row, World, land, landing_shapes
from transform.build import build
from transform.generate import DBT_PROJECT, FILE_DROP, load_entities, load_values

CODE = "Mystery"  # no vendor's word for anything
ROLES: dict[str, Role] = {
    "sap_s4hana": "erp", "oracle_fusion": "erp", "dynamics365_finance": "erp", "netsuite": "erp", "salesforce": "crm",
    "salesforce_service": "support", "stripe": "billing", "chargebee": "billing", "zuora": "billing", "zendesk": "support",
    "freshdesk": "support", "servicenow": "support", FILE_DROP: "crm",
}


@dataclass(frozen=True)
class Case:
    """One landed row whose `column` holds a code that nobody knows.

    `map`: the map that does not know it. `id`: how the canonical row is called, where that is not the landed key.
    `raw`: what the canonical row keeps of it, where that is not the code alone. `shown_as`: the entity of the finding, where it is not the map's.
    """

    system: str
    map: str
    resource: str
    column: str
    row: Row
    id: str = ""
    raw: str = CODE
    shown_as: str = ""
    beside: dict[str, list[Row]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.system}-{self.map}-{self.resource}.{self.column}"

    @property
    def record_id(self) -> str:
        return self.id or str(next(iter(self.row.values())))


def _account(system: str, resource: str, id: Any, **row: Any) -> list[Case]:
    """What an account, an organization or a company shows of fields that others own."""
    return [
        Case(system, "customer.credit_status", resource, "credit_status", {"id": id, "name": "Hold unknown", **row}),
        Case(system, "entitlement.tier", resource, "entitlement_tier", {"id": id + type(id)(1), "name": "Cover unknown", **row})]


def _salesforce(system: str) -> list[Case]:
    stamps = {"is_deleted": False, "created_at": RECENT, "last_modified_at": RECENT}
    return [
        *(Case(system, "customer.account_type", "accounts", "type", {"id": f"001{place}", "name": place, **stamps}) for place in ("TYPED",)),
        Case(system, "customer.credit_status", "accounts", "credit_status", {"id": "001HELD", "name": "Held", **stamps}),
        Case(system, "entitlement.tier", "accounts", "entitlement_tier", {"id": "001COVER", "name": "Covered", **stamps}),
        Case(system, "asset.status", "assets", "status", {"id": "02iASSET", "account_id": "001HELD", "name": "Machine", **stamps})]


_SAP_ITEM = {"document_type": "DZ", "is_reversal": False, "is_reversed": False, "amount": 10, "currency": "EUR", "posting_date": RECENT}
_SAP_BILLING = {"total_gross_amount": 10, "tax_amount": 0, "currency": "EUR", "accounting_transfer_status": "C"}
_D365 = {"data_area_id": "usmf", "currency": "USD", "total_amount": 10}
_ORACLE = {"currency": "USD", "amount": 10, "created_at": RECENT}
_NETSUITE = {"foreigntotal": 10, "createddate": RECENT, "trandate": RECENT}
_CHARGEBEE = {"currency_code": "USD"}

CASES: list[Case] = [
    *(Case("sap_s4hana", "order.status", "sales_orders", column, {"sales_order": f"SO{place}", "currency": "EUR", "total_net_amount": 10})
      for place, column in enumerate(("process_status", "rejection_status", "approval_status", "billing_status", "delivery_status"))),
    *(Case("sap_s4hana", "invoice.status", "billing_documents", column, {"billing_document": f"BD{place}", "document_category": "M", **_SAP_BILLING})
      for place, column in enumerate(("invoice_clearing_status", "accounting_transfer_status"))),
    *(Case("sap_s4hana", "credit_note.status", "billing_documents", column, {"billing_document": f"CM{place}", "document_category": "O", **_SAP_BILLING})
      for place, column in enumerate(("invoice_clearing_status", "accounting_transfer_status"))),
    *(Case("sap_s4hana", name, "accounting_items", "payment_blocking_reason",
           {"company_code": "1010", "fiscal_year": "2026", "accounting_document": document, "accounting_document_item": "1", "debit_credit_code": side,
            **_SAP_ITEM}, id=f"1010:2026:{document}")
      for name, document, side in (("payment.status", "P1", "H"), ("refund.status", "R1", "S"))),
    *(Case("sap_s4hana", "shipment.status", "outbound_deliveries", column, {"delivery_document": f"DL{place}"})
      for place, column in enumerate(("goods_movement_status", "picking_status", "block_status"))),
    *(Case("sap_s4hana", "return.status", "customer_returns", column, {"customer_return": f"RT{place}", "currency": "EUR", "total_net_amount": 10})
      for place, column in enumerate(("returns_status", "rejection_status", "approval_status", "compensation_status", "logistics_status", "process_status"))),

    Case("oracle_fusion", "order.status", "orders", "status_code", {"header_id": 1, "order_number": "1", **{k: v for k, v in _ORACLE.items() if k != "amount"}}),
    Case("oracle_fusion", "return.status", "orders", "status_code", {"header_id": 2, "order_number": "2", **{k: v for k, v in _ORACLE.items() if k != "amount"}},
         beside={"order_lines": [{"fulfill_line_id": 21, "header_id": 2, "category": "RETURN", "status_code": "AWAIT_RECEIPT", "amount": -5}]}),
    Case("oracle_fusion", "invoice.status", "invoices", "status", {"invoice_id": 3, "balance": 10, **_ORACLE}),
    Case("oracle_fusion", "credit_note.status", "credit_memos", "status", {"credit_memo_id": 4, "balance": -10, **_ORACLE}),
    Case("oracle_fusion", "payment.status", "receipts", "state", {"receipt_id": 5, **_ORACLE}),
    Case("oracle_fusion", "refund.status", "receipt_applications", "status",
         {"application_id": 6, "receipt_id": 5, "activity": "Receipt Refund", "amount": 10, "currency": "USD"}),
    Case("oracle_fusion", "shipment.status", "shipments", "status_code", {"delivery_id": 7}),

    Case("dynamics365_finance", "customer.hold", "customers", "on_hold_status", {"data_area_id": "usmf", "customer_account": "HELD", "currency": "USD"}, id="HELD"),
    Case("dynamics365_finance", "order.status", "orders", "status", {"sales_order_number": "SO1", **_D365}),
    Case("dynamics365_finance", "order.status", "orders", "processing_status", {"sales_order_number": "SO2", "status": "Backorder", **_D365},
         raw=f"Backorder/{CODE}"),
    Case("dynamics365_finance", "return.status", "returns", "status", {"return_order_number": "RMA1", **_D365}),

    *(Case("netsuite", name, "transactions", "status", {"id": id, "tranid": f"T{id}", "type": kind, **_NETSUITE}, raw=raw) for name, id, kind, raw in (
        ("order.status", 1, "SalesOrd", CODE), ("invoice.status", 2, "CustInvc", CODE), ("credit_note.status", 3, "CustCred", CODE),
        ("payment.status", 4, "CustPymt", CODE), ("payment.status", 5, "CustDep", f"CustDep:{CODE}"), ("refund.status", 6, "CustRfnd", CODE),
        ("return.status", 7, "RtnAuth", CODE), ("shipment.status", 8, "ItemShip", CODE))),
    Case("netsuite", "customer.stage", "customers", "searchstage", {"id": 9, "companyname": "Stage unknown", "datecreated": RECENT}),

    *_salesforce("salesforce"),
    *(Case("salesforce", name, "contracts", column, {"id": id, "account_id": "001HELD", "last_modified_at": RECENT, "is_deleted": False})
      for name, column, id in (("contract.status", "status", "800A"), ("contract.tier", "tier", "800B"))),
    Case("salesforce", "opportunity.stage", "opportunities", "stage_name",
         {"id": "006A", "account_id": "001HELD", "name": "Deal", "amount": 10, "currency_iso_code": "USD", "last_modified_at": RECENT, "is_deleted": False}),

    *_salesforce("salesforce_service"),
    *(Case("salesforce_service", name, "cases", column, {"id": id, "account_id": "001HELD", "is_deleted": False, "created_at": RECENT, "last_modified_at": RECENT})
      for name, column, id in (("case.status", "status", "500A"), ("case.priority", "priority", "500B"))),
    *(Case("salesforce_service", name, "entitlements", column, {"id": id, "account_id": "001HELD", "name": "Cover", "last_modified_at": RECENT},
           shown_as="entitlement_record") for name, column, id in (("entitlement_record.status", "status", "550A"), ("entitlement.tier", "tier", "550B"))),

    *(Case("stripe", name, resource, column, {"id": id, "created": RECENT, **({} if resource == "products" else {"currency": "usd"})})
      for name, resource, column, id in (
          ("credit_note.status", "credit_notes", "status", "cn_1"), ("dispute.status", "disputes", "status", "dp_1"),
          ("invoice.status", "invoices", "status", "in_1"), ("payment.status", "charges", "status", "ch_1"),
          ("product.tier", "products", "tier", "prod_1"), ("refund.status", "refunds", "status", "re_1"),
          ("subscription.status", "subscriptions", "status", "sub_1"))),

    Case("chargebee", "credit_note.status", "credit_notes", "status", {"id": "CN-1", "total": 1000, **_CHARGEBEE}),
    Case("chargebee", "dispute.status", "disputes", "status", {"id": "dis_1", "amount": 1000, **_CHARGEBEE}),
    Case("chargebee", "invoice.status", "invoices", "status", {"id": "inv_1", "total": 1000, **_CHARGEBEE}),
    Case("chargebee", "payment.status", "transactions", "status", {"id": "txn_1", "type": "payment", "amount": 1000, **_CHARGEBEE}),
    Case("chargebee", "refund.status", "transactions", "status", {"id": "txn_2", "type": "refund", "amount": 1000, **_CHARGEBEE}),
    Case("chargebee", "product.tier", "items", "tier", {"id": "item_1", "name": "Care", "status": "active"}),
    Case("chargebee", "subscription.status", "subscriptions", "status", {"id": "sub_1", **_CHARGEBEE}),

    Case("zuora", "credit_note.status", "credit_memos", "status", {"id": "z1", "total_amount": 10, "currency": "USD"}),
    Case("zuora", "invoice.status", "invoices", "status", {"id": "z2", "amount": 10, "balance": 10, "currency": "USD"}),
    Case("zuora", "payment.status", "payments", "status", {"id": "z3", "amount": 10, "currency": "USD"}),
    Case("zuora", "refund.status", "refunds", "status", {"id": "z4", "amount": 10, "currency": "USD"}),
    Case("zuora", "dispute.status", "refunds", "status", {"id": "z5", "amount": 10, "currency": "USD", "reason_code": "Chargeback"}),
    Case("zuora", "product.tier", "products", "support_tier", {"id": "z6", "name": "Care"}),
    Case("zuora", "subscription.status", "subscriptions", "status", {"id": "z7", "original_id": "z70", "version": 1, "currency": "USD"}, id="z70"),

    *_account("zendesk", "organizations", 31_000, created_at=RECENT),
    *(Case("zendesk", name, "tickets", column, {"id": id, "created_at": RECENT, "updated_at": RECENT})
      for name, column, id in (("case.status", "status", 1), ("case.priority", "priority", 2))),
    Case("zendesk", "asset.status", "assets", "status", {"id": "01HASSET", "name": "Machine"}),

    *_account("freshdesk", "companies", 41_000, created_at=RECENT),
    Case("freshdesk", "case.status", "tickets", "status", {"id": 1, "created_at": RECENT}),
    Case("freshdesk", "case.priority", "tickets", "priority", {"id": 2, "created_at": RECENT}),
    Case("freshdesk", "asset.status", "assets", "status", {"id": "a1", "name": "Machine"}),

    *(Case("servicenow", name, resource, column, {"id": id}, shown_as="entitlement_record" if resource == "entitlements" else "")
      for name, resource, column, id in (
          ("customer.credit_status", "accounts", "credit_status", "acc1"), ("entitlement.tier", "accounts", "entitlement_tier", "acc2"),
          ("case.status", "cases", "state", "case1"), ("case.priority", "cases", "priority", "case2"),
          ("entitlement_record.status", "entitlements", "state", "ent1"), ("entitlement.tier", "entitlements", "tier", "ent2"),
          ("asset.status", "assets", "install_status", "asset1"))),
]

# fields whose words are made by the conformed model out of flags, dates and amounts: there is no code of the vendor's to be unknown
DERIVED = {
    "dynamics365_finance": {"invoice.status", "credit_note.status", "payment.status", "refund.status", "shipment.status"},
    "oracle_fusion": {"dispute.status"},
    "freshdesk": {"entitlement_record.status"},
}

# a drop writes canonical entities; of what only live systems show (account_state) it has nothing
_DROPPED = {
    "asset.status": "asset_id", "case.status": "case_id", "case.priority": "case_id", "contract.status": "contract_id", "contract.tier": "contract_id",
    "credit_note.status": "credit_note_id", "customer.account_type": "record_id", "customer.hold": "record_id", "customer.stage": "record_id", "dispute.status": "dispute_id",
    "entitlement_record.status": "entitlement_id", "entitlement.tier": "entitlement_id", "invoice.status": "invoice_id", "opportunity.stage": "opportunity_id",
    "order.status": "order_id", "payment.status": "payment_id", "product.tier": "product_id", "refund.status": "refund_id", "return.status": "return_id",
    "shipment.status": "shipment_id", "shipment_line.freight_terms": "shipment_line_id", "subscription.status": "subscription_id",
}
_CONFORMED = {"case": "support_case", "order": "sales_order", "return": "return_order", "customer": "customer_record", "entitlement": "entitlement_record"}
_RAW = {"customer.account_type": "type_raw"}
_MODELS = {entity.name: entity.model for entity in load_entities()}


def _conformed(name: str) -> str:
    if name == "customer.hold":
        return "erp_customer"
    entity = name.split(".")[0]
    return _CONFORMED.get(entity, entity)


def _raw_column(name: str) -> str:
    return _RAW.get(name, f"{name.split('.')[1]}_raw")


def _form() -> str:
    becomes: dict[str, list[str]] = {}
    for name in _DROPPED:
        becomes.setdefault(_conformed(name), []).append(name)
    text = (
        "drop: ledger\nsettle: 0s\ntables:\n  rows:\n    files: ['*.csv']\n    key: [map]\n    columns:\n"
        "      map: {type: string, headers: [map], presence: required, filled: true}\n      code: string < code\n    becomes:\n")
    for entity, names in becomes.items():
        text += f"      {entity}:\n        where: map in ({', '.join(repr(name) for name in names)})\n        columns:\n          {_DROPPED[names[0]]}: map\n"
        if entity == "erp_customer":
            text += "          updated_at: source_taken_at\n          is_active: 'true'\n          is_on_hold: 'false'\n"
        for name in names:
            text += f"          {_raw_column(name)}: \"case when map = '{name}' then code end\"\n"
    return text


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home: Path = tmp_path_factory.mktemp("unknown_codes")
    settings = Settings(home=home / "home", connections_file=home / "connections.yml", operations_url="sqlite://", data=None, own_dbt_cache=dbt_cache())
    told = {system: Connection(name=system, system=system, role=role, sandbox=system != FILE_DROP,
                               settings={"folder": str(home / "exports"), "drop": str(home / "ledger.yml")} if system == FILE_DROP else {})
            for system, role in ROLES.items()}
    (home / "exports").mkdir()
    (home / "ledger.yml").write_text(_form())
    (home / "exports" / "rows.csv").write_text("map,code\n" + "".join(f"{name},{CODE}\n" for name in _DROPPED))
    world = World({system: {} for system in ROLES if system != FILE_DROP})
    shapes = landing_shapes()
    for case in CASES:
        version = shapes[case.system][case.resource]["version"]
        world.add(case.system, case.resource, **(({version: RECENT} if version else {}) | case.row | {case.column: CODE}))
        for resource, rows in case.beside.items():
            for row in rows:
                world.add(case.system, resource, **row)
    land(settings, world, at=RECENT + timedelta(hours=1))
    (result,) = ingest(settings, {FILE_DROP: told[FILE_DROP]})
    assert result.error is None, result.error
    # what checks the tables themselves is the business of the other modules; without it thirteen systems are built in half the time
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_INDIRECT_SELECTION", "empty")
        build(settings, told, select="+drift")
    with duckdb.connect(str(settings.warehouse), read_only=True) as database:
        yield database


def _found(warehouse: duckdb.DuckDBPyConnection, system: str, entity: str, field: str, id: str) -> list[Any]:
    return warehouse.execute(
        "select right_value from drift where drift_id = 'D5' and left_connection = ? and entity = ? and field = ? and left_id = ?",
        [system, entity, field, id]).fetchall()


def _stays(warehouse: duckdb.DuckDBPyConnection, system: str, name: str, id: str, entity: str, on_account: bool) -> list[Any]:
    """The row's raw text and decoded value in the table of its entity. Whether a customer buys already is used there, but not kept as a column."""
    told = name.split(".")[1]
    if name == "customer.hold":
        return warehouse.execute(f"select hold_raw, nullif(is_on_hold, false) from {system}__erp_customer where record_id = ?", [id]).fetchall()
    if name == "customer.stage":
        return warehouse.execute("select 'Mystery', null from customer_record where connection = ? and record_id = ? and is_customer", [system, id]).fetchall()
    if on_account:
        column = f"entitlement_{told}" if entity == "entitlement" else told
        raw = "type_raw" if name == "customer.account_type" else f"{column}_raw"
        return warehouse.execute(f"select {raw}, {column} from account_state where connection = ? and record_id = ?", [system, id]).fetchall()
    column = {"entitlement_record": "entitlement_id"}.get(entity, f"{entity}_id")
    return warehouse.execute(f"select {told}_raw, {told} from {_MODELS[entity]} where connection = ? and {column} = ?", [system, id]).fetchall()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_unknown_code_loses_no_row_and_is_a_finding(warehouse: duckdb.DuckDBPyConnection, case: Case) -> None:
    entity, told = (case.shown_as or case.map.split(".")[0]), case.map.split(".")[1]
    on_account = entity in ("customer", "entitlement")
    assert _stays(warehouse, case.system, case.map, case.record_id, entity, on_account) == [(case.raw, None)]
    assert _found(warehouse, case.system, entity, told, case.record_id) == [(case.raw,)]


@pytest.mark.parametrize("name", _DROPPED)
def test_an_unknown_code_of_a_drop(warehouse: duckdb.DuckDBPyConnection, name: str) -> None:
    entity = {"entitlement": "entitlement_record"}.get(name.split(".")[0], name.split(".")[0])
    if name == "customer.hold":
        assert _stays(warehouse, FILE_DROP, name, name, entity, False) == [(CODE, None)]
    elif entity == "customer":  # the record stands, what it is called is not kept beside it
        assert warehouse.execute("select count(*) from customer_record where connection = 'file_drop' and record_id = ?", [name]).fetchall() == [(1,)]
    else:
        assert _stays(warehouse, FILE_DROP, name, name, entity, False) == [(CODE, None)]
    assert _found(warehouse, FILE_DROP, entity, name.split(".")[1], name) == [(CODE,)]


def test_nothing_else_is_called_unknown(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert warehouse.execute("select count(*) from drift where drift_id = 'D5'").fetchall() == [(len(CASES) + len(_DROPPED),)]


def test_every_map_of_every_system_is_tried() -> None:
    tried: dict[str, set[str]] = {system: set(names) for system, names in DERIVED.items()} | {FILE_DROP: set(_DROPPED)}
    for case in CASES:
        tried.setdefault(case.system, set()).add(case.map)
    assert tried == {system: set(maps) for system, maps in load_values(load_entities()).items()}


@pytest.mark.parametrize(("system", "name"), [(system, name) for system, names in DERIVED.items() for name in sorted(names)])
def test_words_that_a_model_makes_are_in_the_map(system: str, name: str) -> None:
    text = (DBT_PROJECT / "models" / "conformed" / system / f"{system}__{_conformed(name)}.sql").read_text()
    made = {word for told in re.findall(r"(case(?:(?!\bend\b).)*end|'\w+') as status_raw", text, re.DOTALL) for word in re.findall(r"(?:then|else|^) ?'(\w+)'", told)}
    assert made and made <= set(load_values(load_entities())[system][name])
