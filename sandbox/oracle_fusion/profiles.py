"""The SOAP service of customer profiles: the only place where a credit hold and a credit limit can be read and set.

The element names of the profile are the public ones as far as they are known; they stand here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from sandbox.oracle_fusion.expression import stamp
from sandbox.protocol import Clock, Request, Response

Record = dict[str, Any]
SERVICE_PATH = "/fscmService/ReceivablesCustomerProfileService"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_PROFILE = "http://xmlns.oracle.com/apps/financials/receivables/customers/customerProfileService/"
_TYPES = f"{_PROFILE}types/"
_SHOWN = (
    "CustomerAccountProfileId", "CustomerAccountId", "PartyId", "AccountNumber", "ProfileClassName", "CreditChecking", "CreditHold", "CreditLimit",
    "CreditCurrencyCode", "PaymentTerms", "EffectiveStartDate", "CreatedBy", "CreationDate", "LastUpdatedBy", "LastUpdateDate",
)
_WRITABLE = {"CreditHold", "CreditChecking", "CreditLimit", "CreditCurrencyCode", "PaymentTerms", "ProfileClassName"}


class Profiles:
    """`find`: the profile with an account number or id; `put` stores one."""

    def __init__(self, clock: Clock, find: Callable[[str, str], Record | None], put: Callable[[Record], None], user: str) -> None:
        self._clock, self._find, self._put, self._user = clock, find, put, user

    def handle(self, request: Request) -> Response:
        if request.method == "GET" and any(name.lower() == "wsdl" for name, _ in request.query):
            return _xml(200, _wsdl(request.base_url + SERVICE_PATH), is_write=False)
        if request.method != "POST":
            return _fault(405, "Client", "Only POST is supported.")
        if request.headers.get("content-type", "").split(";")[0].strip().lower() not in ("text/xml", "application/soap+xml"):
            return Response(415, b"Unsupported Media Type", {"content-type": "text/plain"}, False)
        if b"<!DOCTYPE" in request.body or b"<!ENTITY" in request.body:
            return _fault(500, "Client", "A document type declaration is not allowed.")
        try:
            body = ElementTree.fromstring(request.body).find(f"{{{_SOAP}}}Body")
        except ElementTree.ParseError:
            return _fault(500, "Client", "The message is not well formed.")
        call = body[0] if body is not None and len(body) else None
        if call is None or not call.tag.startswith(f"{{{_TYPES}}}"):
            return _fault(500, "Client", "The message names no operation of this service.")
        operation = call.tag.removeprefix(f"{{{_TYPES}}}")
        given = {
            element.tag.removeprefix(f"{{{_PROFILE}}}"): (element.text or "").strip()
            for element in call.iter() if element.tag.startswith(f"{{{_PROFILE}}}")}
        if operation == "getActiveCustomerProfile":
            return self._answer(operation, self._profile(given), is_write=False)
        if operation == "updateCustomerProfile":
            return self._update(operation, given)
        return _fault(500, "Client", f"The operation {operation} is not supported.")

    def _profile(self, given: dict[str, str]) -> Record | None:
        for name in ("AccountNumber", "CustomerAccountId", "CustomerAccountProfileId"):
            if given.get(name):
                return self._find(name, given[name])
        return None

    def _update(self, operation: str, given: dict[str, str]) -> Response:
        held = self._profile(given)
        if held is None:
            return _fault(500, "Server", "JBO-25020: The customer profile was not found.")
        changes: Record = {name: value for name, value in given.items() if name in _WRITABLE}
        if changes.get("CreditHold", "Y") not in ("Y", "N") or changes.get("CreditChecking", "Y") not in ("Y", "N"):
            return _fault(500, "Server", "JBO-27023: The value of the attribute CreditHold isn't valid.")
        if "CreditLimit" in changes:
            try:
                changes["CreditLimit"] = float(changes["CreditLimit"])
            except ValueError:
                return _fault(500, "Server", "JBO-27023: The value of the attribute CreditLimit isn't valid.")
        changed = {**held, **changes, "LastUpdatedBy": self._user, "LastUpdateDate": stamp(self._clock.now())}
        self._put(changed)
        return self._answer(operation, changed, is_write=True)

    def _answer(self, operation: str, profile: Record | None, *, is_write: bool) -> Response:
        inner = ""
        if profile is not None:
            cells = "".join(
                f"<ns1:{name}>{escape(str(profile[name]))}</ns1:{name}>" if profile.get(name) is not None else f'<ns1:{name} xsi:nil="true"/>'
                for name in _SHOWN)
            inner = f'<ns2:Value xmlns:ns2="{_PROFILE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:ns1="{_PROFILE}">{cells}</ns2:Value>'
        return _xml(200, (
            f'<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="{_SOAP}"><env:Header/><env:Body>'
            f'<ns0:{operation}Response xmlns:ns0="{_TYPES}"><ns0:result>{inner}</ns0:result></ns0:{operation}Response></env:Body></env:Envelope>'
        ), is_write=is_write)


def _fault(status: int, code: str, words: str) -> Response:
    return _xml(status, (
        f'<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="{_SOAP}"><env:Body><env:Fault><faultcode>env:{code}</faultcode>'
        f"<faultstring>{escape(words)}</faultstring></env:Fault></env:Body></env:Envelope>"), is_write=False)


def _xml(status: int, text: str, *, is_write: bool) -> Response:
    return Response(status, text.encode(), {"content-type": "text/xml; charset=utf-8"}, is_write)


def _wsdl(address: str) -> str:
    operations = "".join(f'<operation name="{name}"/>' for name in ("getActiveCustomerProfile", "updateCustomerProfile"))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="{_PROFILE}" '
        f'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"><portType name="CustomerProfileService">{operations}</portType>'
        f'<service name="CustomerProfileService"><port name="CustomerProfileServiceSoapHttpPort"><soap:address location="{escape(address)}"/>'
        "</port></service></definitions>")
