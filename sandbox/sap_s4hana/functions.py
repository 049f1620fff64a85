"""Function imports: approvals, cancelling a billing document, goods movements, credit blocks."""

from __future__ import annotations

import base64
from typing import Any

from sandbox.protocol import Record
from sandbox.sap_s4hana.catalogue import SETS, Function, Service
from sandbox.sap_s4hana.draft import Draft
from sandbox.sap_s4hana.errors import NOT_FOUND, Refusal
from sandbox.sap_s4hana.wire import clock_time, day, moment, stored_key


def parameters(function: Function, given: dict[str, str]) -> Record:
    """The parameters without their quotes. Raises Refusal where one is missing or not quoted."""
    found: Record = {}
    for name in function.parameters:
        text = given.get(name)
        if text is None:
            raise Refusal(400, "/IWBEP/CM_MGW_RT/011", f"Parameter {name} of function import {function.name} is missing", name)
        prefix = "datetime" if name.endswith("Date") else ""
        if not (text.startswith(f"{prefix}'") and text.endswith("'")):
            raise Refusal(400, "/IWBEP/CM_MGW_RT/012", f"Invalid value {text} for parameter {name}", name)
        found[name] = text[len(prefix) + 1 : -1]
    return found


def call(draft: Draft, service: Service, function: Function, given: Record) -> Any:
    """What the function answers with: a record of its set, or its own small structure."""
    name = function.name
    if name in ("releaseApprovalRequest", "rejectApprovalRequest"):
        return _approve(draft, function, given, "B" if name.startswith("release") else "C")
    if name == "Cancel":
        return _cancel(draft, _document(draft, "A_BillingDocument", given["BillingDocument"]))
    if name == "GetPDF":
        held = _document(draft, "A_BillingDocument", given["BillingDocument"])
        page = f"%PDF-1.4\n% Billing document {held['BillingDocument']}\n%%EOF\n".encode()
        return {"BillingDocument": held["BillingDocument"], "BillingDocumentBinary": base64.b64encode(page).decode()}
    delivery = _document(draft, _delivery_set(service), given["DeliveryDocument"])
    if service.name == "API_DEL_DOC_WITH_CREDIT_BLOCK":
        return _credit_block(draft, name, delivery, given)
    return _goods_movement(draft, _delivery_set(service), name, delivery, given)


def _delivery_set(service: Service) -> str:
    return "A_ReturnsDeliveryHeader" if service.name == "API_CUSTOMER_RETURNS_DELIVERY_SRV" else "A_OutbDeliveryHeader"


def _document(draft: Draft, name: str, number: str) -> Record:
    entity = SETS[name]
    held = draft.get(name, stored_key(entity.properties[entity.key[0]], number))
    if held is None:
        raise Refusal(404, NOT_FOUND, f"Resource not found for segment '{entity.type_name}'")
    return held


def _approve(draft: Draft, function: Function, given: Record, status: str) -> Record:
    entity = SETS[function.returns]
    held = _document(draft, entity.name, given[entity.key[0]])
    if held["SalesDocApprovalStatus"] != "A":
        raise Refusal(400, "APPROVAL/004", f"{entity.key[0]} {given[entity.key[0]]} is not in approval")
    extra = {"RetsMgmtProcessingStatus": "B"} if entity.name == "A_CustomerReturn" and status == "B" else {}
    return draft.put(entity.name, {**held, "SalesDocApprovalStatus": status, **extra, **draft.changed_document(entity.name, held)})


def _cancel(draft: Draft, held: Record) -> list[Record]:
    """A new document cancels the old one; the accounting line of the old one is reversed."""
    number = held["BillingDocument"]
    if held["BillingDocumentIsCancelled"] or held["CancelledBillingDocument"]:
        raise Refusal(400, "VF/041", f"Billing document {number} cannot be cancelled")
    is_invoice = held["SDDocumentCategory"] == "M"
    new = draft.number("A_BillingDocument", 97_000_001)
    stamps: Record = {"CreationDate": day(draft.now), "CreationTime": clock_time(draft.now), "LastChangeDate": day(draft.now),
                      "LastChangeDateTime": moment(draft.now)}
    draft.put("A_BillingDocument", {**held, "BillingDocumentIsCancelled": True, "AccountingTransferStatus": "E", **draft.changed_document("A_BillingDocument", held)})
    cancelling = draft.put("A_BillingDocument", {
        **held, **stamps, "BillingDocument": new, "BillingDocumentType": "S1" if is_invoice else "S2",
        "SDDocumentCategory": "N" if is_invoice else "S", "CancelledBillingDocument": number, "BillingDocumentDate": day(draft.now)})
    for item in draft.children("A_BillingDocumentItem", number):
        draft.put("A_BillingDocumentItem", {**item, "BillingDocument": new})
    prefix = f"{held['CompanyCode']}|{held['FiscalYear']}|{held['AccountingDocument']}"
    for line in draft.children("A_OperationalAcctgDocItemCube", prefix) if held["AccountingDocument"] else []:
        draft.put("A_OperationalAcctgDocItemCube", {
            **line, "IsReversed": True, "IsCleared": True, "ClearingDate": day(draft.now), "ClearingAccountingDocument": new,
            "ClearingDocFiscalYear": str(draft.now.year)})
    return [cancelling]


def _goods_movement(draft: Draft, name: str, function: str, held: Record, given: Record) -> Record:
    number = held["DeliveryDocument"]
    moved, today = held["OverallGoodsMovementStatus"] == "C", day(draft.now)
    if function in ("PickAllItems", "ConfirmPickingAllItems"):
        if moved:
            raise Refusal(400, "VL/610", f"Delivery {number} is already posted")
        changed: Record = {"OverallPickingStatus": "C"}
    elif function in ("PostGoodsIssue", "PostGoodsReceipt"):
        if moved:
            raise Refusal(400, "VL/609", f"Goods movement of delivery {number} is already posted")
        if function == "PostGoodsIssue" and held["OverallPickingStatus"] != "C":
            raise Refusal(400, "VL/608", f"Delivery {number} is not picked completely")
        if held["TotalBlockStatus"] == "C" or held.get("DeliveryBlockReason"):
            raise Refusal(400, "VL/607", f"Delivery {number} is blocked")
        changed = {"OverallGoodsMovementStatus": "C", "ActualGoodsMovementDate": today, "ActualGoodsMovementTime": clock_time(draft.now)}
    elif function in ("ReverseGoodsIssue", "ReverseGoodsReceipt"):
        if not moved:
            raise Refusal(400, "VL/611", f"Goods movement of delivery {number} is not posted")
        changed = {"OverallGoodsMovementStatus": "A", "ActualGoodsMovementDate": None, "ActualGoodsMovementTime": "PT00H00M00S"}
    else:
        changed = {"OverallSDProcessStatus": "C"}
    status = {"GoodsMovementStatus": changed["OverallGoodsMovementStatus"]} if "OverallGoodsMovementStatus" in changed else {}
    status |= {"PickingStatus": "C"} if "OverallPickingStatus" in changed else {}
    stamps = {key: value for key, value in draft.changed_delivery(held).items() if key in SETS[name].properties}
    draft.put(name, {**held, **changed, **stamps})
    items = "A_ReturnsDeliveryItem" if name == "A_ReturnsDeliveryHeader" else "A_OutbDeliveryItem"
    for item in draft.children(items, number):
        draft.put(items, {**item, **{key: value for key, value in status.items() if key in item}, "LastChangeDate": today})
    return {"Message": [], "DeliveryDocument": number, "Success": True}


def _credit_block(draft: Draft, function: str, held: Record, given: Record) -> Record:
    number = held["DeliveryDocument"]
    if given["SDDocumentCategory"] != "J":
        raise Refusal(400, "VKM/002", f"Document category {given['SDDocumentCategory']} is not supported", "SDDocumentCategory")
    if function != "CheckCreditBlock" and held["TotalCreditCheckStatus"] not in ("B", "C"):
        raise Refusal(400, "VKM/001", f"Delivery {number} has no credit block")
    status = {"ReleaseCreditBlock": "D", "RejectCreditBlock": "B"}.get(function, held["TotalCreditCheckStatus"])
    extra = {"DeliveryBlockReason": "01"} if function == "RejectCreditBlock" else {}
    if function != "CheckCreditBlock":
        draft.put("A_OutbDeliveryHeader", {**held, "TotalCreditCheckStatus": status, **extra, **draft.changed_delivery(held)})
    return {"DeliveryDocument": number, "SDDocumentCategory": "J", "TotalCreditCheckStatus": status}
