"""Which transaction can be made out of which, what the new one starts with, and how far the old one has then come.

Pure functions over records: no store, no HTTP.
"""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]

TRANSFORMS = {  # record types -> how the two are linked
    ("salesOrder", "itemFulfillment"): "ShipRcpt", ("salesOrder", "invoice"): "OrdBill", ("salesOrder", "cashSale"): "OrdBill",
    ("salesOrder", "returnAuthorization"): "SaleRet", ("invoice", "returnAuthorization"): "SaleRet", ("invoice", "creditMemo"): "Payment",
    ("invoice", "customerPayment"): "Payment", ("returnAuthorization", "itemReceipt"): "ShipRcpt",
    ("returnAuthorization", "creditMemo"): "OrdBill",
}
_BILLS, _MOVES = ("CustInvc", "CashSale", "CustCred"), ("ItemShip", "ItemRcpt")
_COUNTED_BY = {"itemFulfillment": "moved", "itemReceipt": "moved", "invoice": "billed", "cashSale": "billed", "creditMemo": "billed"}


def check(name: str, target: str, source: Record) -> str | None:
    """Why the transaction cannot be transformed as it is now; None where it can."""
    status = source.get("status")
    if name == "salesOrder":
        refused = {"itemFulfillment": "ACFGH", "returnAuthorization": "AC"}.get(target, "ACGH")
        words = {"itemFulfillment": "fulfilled", "returnAuthorization": "returned"}
        return f"That order cannot be {words.get(target, 'billed')} in its status." if str(status) in refused else None
    if name == "invoice":
        return "A voided invoice cannot be transformed." if source.get("voided") else None
    refused = "ACFGH" if target == "itemReceipt" else "ACGH"
    return f"That return cannot be {'received' if target == 'itemReceipt' else 'credited'} in its status." if str(status) in refused else None


def start_of(name: str, target: str, source: Record) -> Record:
    """Lines and tax of the new transaction: of an order or a return what is left of it, of an invoice all of it."""
    counted = _COUNTED_BY.get(target) if name != "invoice" else None
    lines, whole, left = [], 0.0, 0.0
    for line in source.get("_lines", ()):
        quantity = line.get("quantity", 1.0)
        rest = quantity - line.get(counted, 0.0) if counted else quantity
        whole += abs(line["amount"])
        if line.get("isclosed") or (counted and rest <= 1e-9):
            continue
        taken = {key: value for key, value in line.items() if key not in ("isclosed", "billed", "moved", "orderline")}
        taken["orderline"] = line["line"]
        if counted:
            taken |= {"quantity": rest, "left": rest}
            taken["amount"] = line["amount"] if rest == quantity else round(line["amount"] * rest / quantity, 6)
        left += abs(taken["amount"])
        lines.append(taken)
    tax = abs(source.get("taxtotal") or 0.0)
    start: Record = {"_lines": [{key: value for key, value in line.items() if key != "left"} for line in lines]}
    if target in ("itemFulfillment", "itemReceipt"):
        start["_lines"] = lines
        return start
    start["_lines"] = lines if counted else start["_lines"]
    start["taxtotal"] = tax if left == whole or not whole else round(tax * left / whole, 2)
    if target == "returnAuthorization" and name == "invoice":
        start["_transactiontorefund"] = source["id"]
    return start


def moved_on(source: Record, made: Record) -> Record | None:
    """The order or return after `made` came out of it; None where that changes nothing of it."""
    column = "billed" if made["type"] in _BILLS else "moved" if made["type"] in _MOVES else None
    if column is None or source["type"] not in ("SalesOrd", "RtnAuth"):
        return None
    taken: dict[int, float] = {}
    for line in made.get("_lines", ()):
        number = line.get("orderline", line["line"])
        taken[number] = taken.get(number, 0.0) + line.get("quantity", 0.0)
    lines = [{**line, column: line.get(column, 0.0) + taken.get(line["line"], 0.0)} for line in source.get("_lines", ())]
    return {**source, "_lines": lines, "status": _status(source, lines)}


def _status(source: Record, lines: list[Record]) -> str:
    """Orders: B, then D or E, F, G. Returns: the same letters for what came back and was refunded."""
    lines = [line for line in lines if not line.get("isclosed")]

    def all_of(column: str) -> bool:
        return all(line.get(column, 0.0) >= line.get("quantity", 0.0) - 1e-9 for line in lines)

    if all_of("billed"):
        return "G"
    if all_of("moved"):
        return "F"
    if any(line.get("moved", 0.0) > 0 for line in lines):
        return "D" if all(line.get("billed", 0.0) >= line.get("moved", 0.0) for line in lines) else "E"
    return str(source["status"])
