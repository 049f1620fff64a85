"""Several operations in one request to the Salesforce stand-in: collections, retrieval by ids, composite, batch, graph and tree requests.

Belongs here: limits of such requests, references between their parts, and what a failed part means for the others. Does not belong
here: what a single operation does (records), its route (api).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import orjson

from sandbox.protocol import Record, Request, Response, json_response
from sandbox.salesforce.bodies import allow, json_object
from sandbox.salesforce.catalogue import SObject
from sandbox.salesforce.login import JSON
from sandbox.salesforce.org import ApiError, Org
from sandbox.salesforce.records import COLLECTION_LIMIT, check_collection, commit, external_field, plan_create, run_collection
from sandbox.salesforce.soql import full_id

VERSIONS = range(56, 69)
VERSION = re.compile(r"v(\d+)\.0")
_SUBREQUESTS = 25
_SUBQUERIES = 5
_GRAPHS = 75
_NODES = 500
_TREE_LEVELS = 5
_RETRIEVE_LIMIT = 2_000
_RETRIEVE_LIMIT_GET = 800
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])*)\}")


class Routes(Protocol):
    """What a part of a request goes through, as a request of its own does."""

    def charge(self) -> None: ...

    def route(self, request: Request, version: str, parts: Sequence[str], root: str) -> Response: ...

    def refuse(self, refused: ApiError) -> Response: ...

    def show(self, request: Request, sobject: SObject, row: Record, root: str) -> dict[str, Any]: ...


class Composite:
    def __init__(self, org: Org, routes: Routes) -> None:
        self.org = org
        self._routes = routes

    def handle(self, request: Request, version: str, parts: Sequence[str], root: str) -> Response:
        if not parts:
            allow(request, "POST")
            return self._subrequests(request, version, root)
        if parts[0] == "sobjects" and len(parts) == 1:
            return self._collection(request)
        if parts[0] == "sobjects" and len(parts) == 2:
            return self._retrieve(request, self.org.need_sobject(parts[1]), root)
        if parts[0] == "sobjects" and len(parts) == 3:
            allow(request, "PATCH")
            sobject = self.org.need_sobject(parts[1])
            column = external_field(sobject, parts[2])
            all_or_none, records = _collection_body(request)
            with self.org.store.lock:
                return json_response(run_collection(self.org, "upsert", records, all_or_none=all_or_none, sobject=sobject, column=column))
        if list(parts) == ["batch"]:
            allow(request, "POST")
            return self._batch(request, version)
        if list(parts) == ["graph"]:
            allow(request, "POST")
            return self._graphs(request)
        if parts[0] == "tree" and len(parts) == 2:
            allow(request, "POST")
            return self._tree(request, self.org.need_sobject(parts[1]))
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def _collection(self, request: Request) -> Response:
        if request.method == "DELETE":
            ids = [id for id in (request.param("ids") or "").split(",") if id]
            if not ids:
                raise ApiError(400, "MISSING_ARGUMENT", "ids is required")
            if len(ids) > COLLECTION_LIMIT:
                raise ApiError(
                    400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {COLLECTION_LIMIT} records into this call"
                )
            with self.org.store.lock:
                return json_response(
                    run_collection(self.org, "delete", ids, all_or_none=(request.param("allOrNone") or "false").lower() == "true")
                )
        allow(request, "POST", "PATCH", "DELETE")
        all_or_none, records = _collection_body(request)
        operation = "insert" if request.method == "POST" else "update"
        with self.org.store.lock:
            return json_response(run_collection(self.org, operation, records, all_or_none=all_or_none))

    def _retrieve(self, request: Request, sobject: SObject, root: str) -> Response:
        if request.method == "POST":
            body = json_object(request)
            ids, names, limit = body.get("ids"), body.get("fields"), _RETRIEVE_LIMIT
        else:
            allow(request, "GET", "POST")
            ids, names, limit = (request.param("ids") or "").split(","), (request.param("fields") or "").split(","), _RETRIEVE_LIMIT_GET
        if not isinstance(ids, list) or not isinstance(names, list) or not any(ids) or not any(names):
            raise ApiError(400, "MISSING_ARGUMENT", "ids and fields are required")
        if len(ids) > limit:
            raise ApiError(400, "EXCEEDED_ID_LIMIT", f"at most {limit} ids in one call")
        asked = replace(request, query=(("fields", ",".join(str(name) for name in names)),))
        found: list[dict[str, Any] | None] = []
        for id in ids:
            row = self.org.row(sobject.name, full_id(str(id)) or "")
            found.append(self._routes.show(asked, sobject, row, root) if row is not None and not row.get("IsDeleted") else None)
        return Response(200, orjson.dumps(found), {"content-type": JSON}, is_write=False)

    def _sub(self, request: Request, method: str, url: str, body: Any, headers: dict[str, str]) -> Response:
        """One subrequest, routed as if it had come alone; the call has been authenticated and charged already."""
        address = urlsplit(url)
        prefix = urlsplit(request.base_url).path
        path = address.path.removeprefix(prefix) if prefix else address.path
        parts = [part for part in path.split("/") if part]
        if parts[:2] == ["services", "data"]:
            parts = parts[2:]
        inner = replace(
            request,
            method=method,
            path=path,
            query=tuple(parse_qsl(address.query, keep_blank_values=True)),
            body=orjson.dumps(body) if body is not None else b"",
            headers={**headers, "content-type": "application/json"},
        )
        try:
            if not parts or VERSION.fullmatch(parts[0]) is None or int(parts[0][1:-2]) not in VERSIONS:
                raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
            if parts[1:2] == ["jobs"] or parts[1:] in (["composite"], ["composite", "batch"], ["composite", "graph"]):
                raise ApiError(400, "INVALID_INPUT", f"{url} cannot be a subrequest")
            return self._routes.route(inner, parts[0], parts[1:], f"{prefix}/services/data/{parts[0]}")
        except ApiError as refused:
            return self._routes.refuse(refused)

    def _subrequests(self, request: Request, version: str, root: str) -> Response:
        body = json_object(request)
        wanted = body.get("compositeRequest")
        if not isinstance(wanted, list) or not wanted or not all(isinstance(item, dict) for item in wanted):
            raise ApiError(400, "JSON_PARSER_ERROR", "compositeRequest must be a list of subrequests")
        heavy = sum(1 for item in wanted if re.search(r"/(query|queryAll|composite/sobjects)\b", str(item.get("url"))))
        if len(wanted) > _SUBREQUESTS or heavy > _SUBQUERIES:
            raise ApiError(400, "LIMIT_EXCEEDED", f"at most {_SUBREQUESTS} subrequests, {_SUBQUERIES} of them queries or collections")
        names = [item.get("referenceId") for item in wanted]
        if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
            raise ApiError(400, "JSON_PARSER_ERROR", "every subrequest needs a referenceId of its own")
        answers, _ = self._run_subrequests(request, wanted, all_or_none=body.get("allOrNone") is True)
        return json_response({"compositeResponse": answers})

    def _run_subrequests(self, request: Request, wanted: list[dict[str, Any]], *, all_or_none: bool) -> tuple[list[dict[str, Any]], bool]:
        """The answers in order, and whether every subrequest went well."""
        known: dict[str, Any] = {}
        answers: list[dict[str, Any]] = []
        failed = False
        with self.org.store.lock:
            before = _Rollback(self.org)
            for item in wanted:
                answer = self._composite_part(request, item, known)
                failed = failed or answer["httpStatusCode"] >= 300
                answers.append(answer)
                if failed and all_or_none:
                    break
            if failed and all_or_none:
                before.undo()
                halted = ApiError(
                    400, "PROCESSING_HALTED", "The transaction was rolled back since another operation in the same transaction failed."
                )
                answers = [
                    answers[place]
                    if place < len(answers) and answers[place]["httpStatusCode"] >= 400
                    else {"body": halted.body(), "httpHeaders": {}, "httpStatusCode": 400, "referenceId": item["referenceId"]}
                    for place, item in enumerate(wanted)
                ]
        return answers, not failed

    def _graphs(self, request: Request) -> Response:
        """Each graph stands or falls as a whole, and alone."""
        graphs = json_object(request).get("graphs")
        if not isinstance(graphs, list) or not graphs or not all(isinstance(graph, dict) for graph in graphs):
            raise ApiError(400, "JSON_PARSER_ERROR", "graphs must be a list of graphs")
        nodes = [graph.get("compositeRequest") for graph in graphs]
        if not all(isinstance(wanted, list) and wanted and all(isinstance(item, dict) for item in wanted) for wanted in nodes):
            raise ApiError(400, "JSON_PARSER_ERROR", "every graph needs a compositeRequest")
        if len(graphs) > _GRAPHS or sum(len(wanted) for wanted in nodes if wanted) > _NODES:
            raise ApiError(400, "LIMIT_EXCEEDED", f"at most {_GRAPHS} graphs and {_NODES} nodes")
        answers = []
        for graph, wanted in zip(graphs, nodes, strict=True):
            names = [item.get("referenceId") for item in wanted or ()]
            if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
                raise ApiError(400, "JSON_PARSER_ERROR", "every node needs a referenceId of its own")
            done, went_well = self._run_subrequests(request, list(wanted or ()), all_or_none=True)
            answers.append({"graphId": str(graph.get("graphId", "")), "graphResponse": {"compositeResponse": done}, "isSuccessful": went_well})
        return json_response({"graphs": answers})

    def _tree(self, request: Request, sobject: SObject) -> Response:
        """Records with their children, all or none of them."""
        records = json_object(request).get("records")
        if not isinstance(records, list) or not records:
            raise ApiError(400, "JSON_PARSER_ERROR", "records must be a list of records")
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        with self.org.store.lock:
            before = _Rollback(self.org)
            for record in records:
                self._plant(sobject, record, None, 1, results, errors)
            if len(results) + len(errors) > COLLECTION_LIMIT:
                before.undo()
                raise ApiError(400, "EXCEEDED_ID_LIMIT", f"at most {COLLECTION_LIMIT} records in a tree request")
            if errors:
                before.undo()
                return json_response({"hasErrors": True, "results": errors}, 400)
        return json_response({"hasErrors": False, "results": results}, 201)

    def _plant(
        self, sobject: SObject, record: Any, parent: tuple[str, str] | None, level: int, results: list[dict[str, Any]],
        errors: list[dict[str, Any]],
    ) -> None:
        attributes = record.get("attributes") if isinstance(record, dict) else None
        if not isinstance(attributes, dict) or not attributes.get("referenceId"):
            raise ApiError(400, "INVALID_INPUT", "every record of a tree needs attributes.type and attributes.referenceId")
        if level > _TREE_LEVELS:
            raise ApiError(400, "LIMIT_EXCEEDED", f"a tree has at most {_TREE_LEVELS} levels")
        name = str(attributes["referenceId"])
        below = {child.relationship: child for child in sobject.children if isinstance(record.get(child.relationship), dict)}
        fields = {key: value for key, value in record.items() if key != "attributes" and key not in below}
        if parent is not None:
            fields[parent[0]] = parent[1]
        try:
            written = commit(self.org, plan_create(self.org, sobject, fields))
        except ApiError as refused:
            errors.append({"referenceId": name, "errors": [refused.item()]})
            return
        results.append({"referenceId": name, "id": written.id})
        for relationship, child in below.items():
            for member in record[relationship].get("records") or ():
                self._plant(self.org.need_sobject(child.object), member, (child.field, written.id), level + 1, results, errors)

    def _composite_part(self, request: Request, item: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
        name = item["referenceId"]
        try:
            url, content = _filled(str(item.get("url")), known), _filled(copy.deepcopy(item.get("body")), known)
        except KeyError as missing:
            refused = ApiError(400, "PROCESSING_HALTED", f"Invalid reference specified. No value for {missing.args[0]} found")
            return {"body": refused.body(), "httpHeaders": {}, "httpStatusCode": 400, "referenceId": name}
        headers = {str(key).lower(): str(value) for key, value in (item.get("httpHeaders") or {}).items()}
        response = self._sub(request, str(item.get("method", "")).upper(), url, content, headers)
        answer = orjson.loads(response.body) if response.body else None
        if response.status < 300:
            known[name] = answer
        shown = {"Location": response.headers["location"]} if "location" in response.headers else {}
        return {"body": answer, "httpHeaders": shown, "httpStatusCode": response.status, "referenceId": name}

    def _batch(self, request: Request, version: str) -> Response:
        body = json_object(request)
        wanted = body.get("batchRequests")
        if not isinstance(wanted, list) or not wanted or not all(isinstance(item, dict) for item in wanted):
            raise ApiError(400, "JSON_PARSER_ERROR", "batchRequests must be a list of subrequests")
        if len(wanted) > _SUBREQUESTS:
            raise ApiError(400, "LIMIT_EXCEEDED", f"at most {_SUBREQUESTS} subrequests")
        results: list[dict[str, Any]] = []
        for place, item in enumerate(wanted):
            if place:
                self._routes.charge()
            url = str(item.get("url", "")).lstrip("/")
            full = f"/services/data/{url}" if not url.startswith("services/") else f"/{url}"
            response = self._sub(request, str(item.get("method", "")).upper(), full, item.get("richInput"), {})
            results.append({"statusCode": response.status, "result": orjson.loads(response.body) if response.body else None})
            if body.get("haltOnError") is True and response.status >= 400:
                halted = ApiError(412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request")
                results += [{"statusCode": 412, "result": halted.body()} for _ in wanted[place + 1 :]]
                break
        return json_response({"hasErrors": any(item["statusCode"] >= 400 for item in results), "results": results})


class _Rollback:
    """Remembers the rows as they are, so that a composite request can be taken back."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.held = {name: dict(org.store.collection(name)) for name in org.catalogue.names()}

    def undo(self) -> None:
        for name, rows in self.held.items():
            for id, row in list(self.org.store.collection(name).items()):
                if id not in rows:
                    self.org.remove(name, id)
                elif rows[id] is not row:
                    self.org.put(name, rows[id])


def _filled(value: Any, known: dict[str, Any]) -> Any:
    """`@{ref.path}` replaced by what an earlier subrequest answered. Raises KeyError with the reference that leads nowhere."""
    if isinstance(value, dict):
        return {key: _filled(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, known) for item in value]
    if not isinstance(value, str):
        return value

    def look_up(match: re.Match[str]) -> str:
        found: Any = known.get(match.group(1))
        for step in re.findall(r"[A-Za-z0-9_]+", match.group(2)):
            if isinstance(found, list) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            elif isinstance(found, dict) and step in found:
                found = found[step]
            else:
                raise KeyError(match.group(0))
        if found is None or isinstance(found, (dict, list)):
            raise KeyError(match.group(0))
        return str(found)

    return _REFERENCE.sub(look_up, value)


def _collection_body(request: Request) -> tuple[bool, list[Record]]:
    body = json_object(request)
    unknown = sorted(body.keys() - {"allOrNone", "records"})
    if unknown:
        raise ApiError(400, "JSON_PARSER_ERROR", f'Unrecognized field "{unknown[0]}"')
    all_or_none = body.get("allOrNone", False)
    if not isinstance(all_or_none, bool):
        raise ApiError(400, "JSON_PARSER_ERROR", "allOrNone must be true or false")
    return all_or_none, check_collection(body.get("records"))
