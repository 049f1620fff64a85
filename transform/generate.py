"""Entity contracts and system files to the dbt project's generated files: seeds, schema YAML, sources and constant macros.

Only derivation belongs here; a fact that cannot be read from `contracts/` or `ingestion/systems/` has no place in a generated file.
Run `python -m transform.generate` after editing either; a test regenerates and compares.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from concord.errors import UsageError
from concord.settings import PROJECT

CONTRACTS = PROJECT / "contracts"
SYSTEMS = PROJECT / "ingestion" / "systems"
DBT_PROJECT = PROJECT / "transform"
ROLES = ("erp", "crm", "billing", "support")
TYPES = ("string", "bigint", "decimal", "money", "boolean", "timestamp", "date", "strings")
_ENTITY_KEYS = {
    "entity", "model", "description", "owner", "grain", "policy", "fields", "values", "expected_in", "approval", "clears",
    "forbidden_pairs", "allowed_pairs", "active_statuses",
}
_FIELD_KEYS = {"type", "description", "required", "from", "values", "pii", "guarded"}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_STAGED = {
    "version_at": "Version of the row: the newest wins.",
    "is_removed": "Deleted at the vendor.",
    "extra": "JSON of fields that the system file does not name.",
    "extracted_at": "When it was read, by the vendor's clock.",
    "load_id": "Load that brought it.",
}
_SQL = {"string": "varchar", "money": "decimal(24,6)", "decimal": "decimal(38,9)", "strings": "varchar[]"}
# the tables that ingestion writes beside each connection's resources
_PLATFORM: dict[str, dict[str, Any]] = {
    "audits": {"folder": "_audit", "key": [], "version": "", "columns": {
        "resource": "string", "expected": "bigint", "actual": "bigint", "method": "string", "window_start": "timestamp",
        "window_end": "timestamp", "is_complete": "boolean", "detail": "string", "checked_at": "timestamp"}},
    "quarantine": {"folder": "_quarantine", "key": [], "version": "", "columns": {
        "resource": "string", "key": "string", "reason": "string", "column": "string", "raw": "string"}},
    "schema_observations": {"folder": "_schema_drift", "key": [], "version": "", "columns": {
        "resource": "string", "column_name": "string", "change": "string", "detail": "string", "observed_at": "timestamp"}},
}


@dataclass(frozen=True)
class Entity:
    """One parsed entity contract. `path` is for messages."""

    path: Path
    name: str
    model: str
    description: str
    owner: str
    grain: tuple[str, ...]
    fields: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, Mapping[str, Any]]
    policy: Mapping[str, Any]
    rest: Mapping[str, Any]


def load_entities(contracts: Path = CONTRACTS, systems: Path = SYSTEMS) -> list[Entity]:
    """Every entity contract, checked against the columns that ingestion delivers.

    Raises UsageError naming file, field and mend.
    """
    shapes = landing_shapes(systems)
    return [_entity(path, shapes) for path in sorted((contracts / "entities").glob("*.yml"))]


def landing_shapes(systems: Path = SYSTEMS) -> dict[str, dict[str, dict[str, Any]]]:
    """system -> resource -> {columns: {name: logical type}, key, version}, children beside their parents."""
    shapes: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted(systems.glob("*.yml")):
        spec = _read(path)
        resources: dict[str, dict[str, Any]] = {}
        for name, resource in spec["resources"].items():
            for child_name, child in {name: resource, **(resource.get("children") or {})}.items():
                columns = {column: _kind(told) for column, told in child["columns"].items()}
                if child.get("version") == "_changed_at":
                    columns["_changed_at"] = "timestamp"
                resources[child_name] = {"columns": columns, "key": child["key"], "version": child.get("version") or ""}
        shapes[spec["system"]] = resources
    return shapes


def generated_files(contracts: Path = CONTRACTS, systems: Path = SYSTEMS) -> dict[str, str]:
    """Path inside the dbt project -> content, for every generated file."""
    entities = load_entities(contracts, systems)
    shapes = landing_shapes(systems)
    return {
        "seeds/value_map.csv": _csv(
            ["entity", "field", "system", "raw_value", "value", "version"],
            [[entity.name, field, system, raw, value, spec["version"]]
             for entity in entities for field, spec in entity.values.items()
             for system, codes in spec.items() if system in shapes for raw, value in codes.items()]),
        "seeds/field_contract.csv": _csv(
            ["entity", "field", "type", "owner_role", "system", "resource", "landed_column", "is_guarded"],
            [[entity.name, name, field["type"], entity.owner, system, *place.split("."), str(bool(field.get("guarded"))).lower()]
             for entity in entities for name, field in entity.fields.items() for system, place in (field.get("from") or {}).items()]),
        "seeds/landed_column.csv": _csv(
            ["system", "resource", "landed_column", "type"],
            [[system, resource, column, kind] for system, resources in shapes.items() for resource, shape in resources.items()
             for column, kind in shape["columns"].items()]),
        "seeds/currency.csv": _csv(["system", "currency", "minor_units", "minor_size"], _currencies(contracts / "currencies.yml", list(shapes))),
        "macros/generated/landing_schema.sql": _constant("landing_schema", {**shapes, "concord": _PLATFORM}),
        "macros/generated/finding_kinds.sql": _constant("finding_kinds", load_findings(contracts / "findings.yml")),
        "macros/generated/contract.sql": _constant("contract", {entity.name: _policy(entity) for entity in entities}),
        "models/canonical/_canonical.yml": _schema(entities),
        "models/staging/_sources.yml": _sources(shapes),
        "models/staging/_staging.yml": staging_schema(shapes, DBT_PROJECT),
    }


def load_findings(path: Path) -> dict[str, Any]:
    """The teams and the kinds of finding. Raises UsageError naming file, field and mend."""
    told = _read(path)
    teams, kinds = told.get("teams") or {}, told.get("kinds") or {}
    for drift_id, kind in kinds.items():
        owner = kind.get("owner")
        if not kind.get("name") or not (owner in ("side", "both") or (isinstance(owner, list) and owner)):
            raise UsageError("needs a `name` and an `owner`.", where=f"contracts/{path.name}", field=f"kinds.{drift_id}",
                             mend="The owner is `side`, `both` or a list of teams.")
    return {"teams": teams, "kinds": kinds}


def staging_schema(shapes: Mapping[str, Mapping[str, Mapping[str, Any]]], project: Path = DBT_PROJECT) -> str:
    """Schema YAML of the staging models: their keys from the config line, their columns' origin from the select list."""
    models = []
    roles = {system: _read(SYSTEMS / f"{system}.yml")["roles"] for system in shapes}
    for system, resources in shapes.items():
        for resource in resources:
            path = project / "models" / "staging" / system / f"stg_{system}__{resource}.sql"
            if not path.exists():
                raise UsageError(f"{resource!r} has no staging model.", where=f"ingestion/systems/{system}.yml", field=f"resources.{resource}",
                                 mend=f"Add transform/models/staging/{system}/{path.name}.")
            text = path.read_text()
            keys = re.findall(r"'(\w+)'", text.split("unique_key=", 1)[1].split("]", 1)[0])
            listed = text.split("renamed as (", 1)[1].split("from source", 1)[0].split("select", 1)[1]
            columns = [{"name": "connection", "description": "Connection that it was read from."}]
            for line in listed.splitlines():
                line = line.strip().rstrip(",")
                if not line or line.startswith(("_connection", "{{", "coalesce(", "_extracted_at")):
                    continue
                landed, _, name = line.rpartition(" as ") if " as " in line else (line, "", line)
                landed = re.sub(r"cast\((\w+) as .*", r"\1", landed)
                columns.append({"name": name.split(" as ")[-1], "description": f"`{landed}` of {system}.{resource}."})
            columns += [{"name": name, "description": description} for name, description in _STAGED.items()]
            models.append({
                "name": path.stem, "description": f"Newest version of each row of {resource} in {system}, over all its connections.",
                "config": {"meta": {"owner": roles[system][0]}},
                "data_tests": [{"unique_together": {"arguments": {"columns": keys}}}], "columns": columns,
            })
    return _dump({"version": 2, "models": models})


def write(contracts: Path = CONTRACTS, systems: Path = SYSTEMS, project: Path = DBT_PROJECT) -> list[Path]:
    """Write what has changed; returns those paths."""
    changed = []
    for name, content in generated_files(contracts, systems).items():
        path = project / name
        if not path.exists() or path.read_text() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            changed.append(path)
    return changed


def seconds(text: str, place: str, field: str) -> int:
    """'15m' as seconds."""
    match = re.fullmatch(r"(\d+)\s*([smhd])", str(text))
    if match is None:
        raise UsageError(f"{text!r} is not a duration.", where=place, field=field, mend="Write a number and s, m, h or d, for example 15m.")
    return int(timedelta(**{_UNITS[match[2]]: int(match[1])}).total_seconds())


def _read(path: Path) -> Any:
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UsageError("there is no such file.", where=str(path), mend="Restore it from the project.") from None
    except yaml.YAMLError as error:
        raise UsageError(f"is not valid YAML ({error}).", where=path.name, mend="Mend the line that it names.") from None
    if not isinstance(content, dict):
        raise UsageError("must hold a mapping.", where=path.name)
    return content


def _kind(told: Any) -> str:
    return str(told if isinstance(told, str) else told["type"]).split("<")[0].strip()


def _entity(path: Path, shapes: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Entity:
    spec = _read(path)
    where = f"contracts/entities/{path.name}"
    for key in sorted(set(spec) - _ENTITY_KEYS):
        raise UsageError(f"is no key of an entity contract (known: {', '.join(sorted(_ENTITY_KEYS))}).", where=where, field=key)
    for key in ("entity", "model", "description", "owner", "grain", "fields"):
        if not spec.get(key):
            raise UsageError("is missing.", where=where, field=key, mend="Every entity contract states it.")
    if spec["owner"] not in ROLES:
        raise UsageError(f"{spec['owner']!r} is no role.", where=where, field="owner", mend=f"Roles: {', '.join(ROLES)}.")
    for name, field in spec["fields"].items():
        _check_field(where, name, field, shapes)
    for name in spec["grain"]:
        if name not in spec["fields"]:
            raise UsageError(f"names {name!r}, which is not among the fields.", where=where, field="grain", mend="Name fields of this file.")
    for name, values in (spec.get("values") or {}).items():
        allowed = set(values.get("allowed") or [])
        if not isinstance(values.get("version"), int) or not allowed:
            raise UsageError("needs `version` (a number) and `allowed`.", where=where, field=f"values.{name}")
        for system, codes in values.items():
            if system in ("version", "allowed"):
                continue
            if system not in shapes:
                raise UsageError(f"no system is called {system!r}.", where=where, field=f"values.{name}",
                                 mend=f"Known systems: {', '.join(shapes)}.")
            for raw, value in codes.items():
                if value not in allowed:
                    raise UsageError(f"maps {raw!r} to {value!r}, which is not in `allowed`.", where=where,
                                     field=f"values.{name}.{system}", mend="Add it to `allowed` or map to one of those.")
    for key, value in (spec.get("policy") or {}).items():
        if key.endswith("grace"):
            seconds(value, where, f"policy.{key}")
    known = {"entity", "model", "description", "owner", "grain", "fields", "values", "policy"}
    return Entity(
        path=path, name=spec["entity"], model=spec["model"], description=spec["description"], owner=spec["owner"],
        grain=tuple(spec["grain"]), fields=spec["fields"], values=spec.get("values") or {}, policy=spec.get("policy") or {},
        rest={key: value for key, value in spec.items() if key not in known},
    )


def _check_field(where: str, name: str, field: Any, shapes: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    place = f"fields.{name}"
    if not isinstance(field, dict) or not field.get("type") or not field.get("description"):
        raise UsageError("needs `type` and `description`.", where=where, field=place)
    for key in sorted(set(field) - _FIELD_KEYS):
        raise UsageError(f"has the unknown key {key!r}.", where=where, field=place, mend=f"Known: {', '.join(sorted(_FIELD_KEYS))}.")
    if field["type"] not in TYPES:
        raise UsageError(f"has the unknown type {field['type']!r}.", where=where, field=place, mend=f"Types: {', '.join(TYPES)}.")
    for system, column in (field.get("from") or {}).items():
        if system not in shapes:
            raise UsageError(f"names the unknown system {system!r}.", where=where, field=f"{place}.from", mend=f"Known: {', '.join(shapes)}.")
        delivered = [f"{resource}.{each}" for resource, shape in shapes[system].items() for each in shape["columns"]]
        if column not in delivered:
            near = difflib.get_close_matches(str(column), delivered, n=1)
            raise UsageError(
                f"nobody delivers {column!r}: ingestion/systems/{system}.yml has no such column.", where=where, field=f"{place}.from.{system}",
                mend=f"Did you mean {near[0]!r}?" if near else "Add the column there or drop this line.",
            )


def _policy(entity: Entity) -> dict[str, Any]:
    """What SQL asks of a contract: durations in seconds, numbers as text, lists and pairs as they are."""
    told: dict[str, Any] = {}
    for key, value in entity.policy.items():
        told[f"{key}_seconds" if key.endswith("grace") else key] = (
            seconds(value, entity.path.name, f"policy.{key}") if key.endswith("grace") else str(value))
    told |= {key: value for key, value in entity.rest.items()}
    told["owner"] = entity.owner
    told["guarded"] = {name: field["guarded"] for name, field in entity.fields.items() if field.get("guarded")}
    return told


def _currencies(path: Path, systems: list[str]) -> list[list[Any]]:
    spec = _read(path)
    units = {code: units for key, units in (("zero", 0), ("two", 2), ("three", 3)) for code in str(spec[key]).split()}
    rows = []
    for system in systems:
        told = {**units, **(spec.get("vendors") or {}).get(system, {})}
        rows += [[system, code, told[code], str(Decimal(1).scaleb(-told[code]))] for code in sorted(told)]
    return rows


def _csv(header: list[str], rows: list[list[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _constant(name: str, value: Any) -> str:
    return (
        "{#- Generated by `python -m transform.generate` from contracts/ and ingestion/systems/. Edit those. -#}\n"
        f"{{% macro {name}() %}}\n    {{{{ return({_literal(value)}) }}}}\n{{% endmacro %}}\n"
    )


def _literal(value: Any, depth: int = 1) -> str:
    if isinstance(value, dict):
        if depth > 3 or not value:
            return "{" + ", ".join(f"{key!r}: {_literal(each, depth + 1)}" for key, each in value.items()) + "}"
        pad = "    " * (depth + 1)
        body = "".join(f"{pad}{key!r}: {_literal(each, depth + 1)},\n" for key, each in value.items())
        return "{\n" + body + "    " * depth + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(each, depth + 1) for each in value) + "]"
    return repr(value)


def _dump(content: Any) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, width=140, allow_unicode=True)
    return "# Generated by `python -m transform.generate` from contracts/ and ingestion/systems/. Edit those.\n" + text


def _schema(entities: list[Entity]) -> str:
    models = []
    for entity in entities:
        columns = []
        for name, field in entity.fields.items():
            column: dict[str, Any] = {"name": name, "description": field["description"], "data_type": _SQL.get(field["type"], field["type"])}
            if field.get("required"):
                column["constraints"] = [{"type": "not_null"}]
            tests: list[Any] = []
            if entity.grain == (name,):
                tests += ["unique", "not_null"]
            if field.get("values") and name in entity.values:
                tests.append({"accepted_values": {"arguments": {"values": list(entity.values[name]["allowed"])}}})
            if name == "customer_id" and entity.name != "customer":
                tests.append({"relationships": {"arguments": {"to": "ref('customer')", "field": "customer_id"}}})
            if tests:
                column["data_tests"] = tests
            if field.get("pii"):
                column["config"] = {"meta": {"pii": True}}
            columns.append(column)
        models.append({
            "name": entity.model, "description": entity.description,
            "config": {"contract": {"enforced": True}, "meta": {"owner": entity.owner, "entity": entity.name}},
            "columns": columns,
        })
    return _dump({"version": 2, "models": models})


def _sources(shapes: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    sources = [
        {"name": system, "description": f"Landing of {system}, all its connections together.",
         "tables": [{"name": resource, "columns": [{"name": column} for column in shape["columns"]]} for resource, shape in resources.items()]}
        for system, resources in shapes.items()
    ]
    sources.append({
        "name": "concord", "description": "What ingestion says about its own work, a table a connection.",
        "tables": [{"name": name, "columns": [{"name": column} for column in shape["columns"]]} for name, shape in _PLATFORM.items()],
    })
    return _dump({"version": 2, "sources": sources})


if __name__ == "__main__":
    try:
        for written in write():
            sys.stdout.write(f"wrote {written.relative_to(PROJECT)}\n")
    except UsageError as error:
        sys.exit(f"{error}")
