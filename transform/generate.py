"""Entity contracts and system files to the dbt project's generated files: seeds, schema YAML, sources and constant macros.

Only derivation belongs here; a fact that cannot be read from `contracts/` or `ingestion/systems/` has no place in a generated file.
Run `python -m transform.generate` after editing either; a test regenerates and compares.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from concord.errors import UsageError
from concord.settings import PROJECT
from transform.history import ENTITY as FIELD_HISTORY
from transform.history import Tracked, history_model, load_tracked, named_fields
from transform.kpis import COLUMNS, load_kpis
from transform.operations import operations_shape

CONTRACTS = PROJECT / "contracts"
SYSTEMS = PROJECT / "ingestion" / "systems"
DBT_PROJECT = PROJECT / "transform"
FILE_DROP = "file_drop"  # its tables are an installation's own: conformed models, but no staging and no sources
ROLES = ("erp", "crm", "billing", "support")
TYPES = ("string", "bigint", "decimal", "money", "boolean", "timestamp", "date", "strings", "rate")
_ENTITY_KEYS = {
    "entity", "model", "description", "owner", "grain", "policy", "fields", "values", "expected_in", "approval", "clears",
    "forbidden_pairs", "allowed_pairs", "active_statuses", "history", "materialized",
}
_FIELD_KEYS = {"type", "description", "required", "values", "pii", "guarded"}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_STAGED = {
    "version_at": "Version of the row: the newest wins.",
    "is_removed": "Deleted at the vendor.",
    "extra": "JSON of fields that the system file does not name.",
    "extracted_at": "When it was read, by the vendor's clock.",
    "load_id": "Load that brought it.",
}
_SYNC = {
    "connection": "Connection that the record lives in.",
    "object": "The target's name for the kind of record.",
    "record_id": "Native id in its connection.",
    "desired_fields": "JSON with sorted keys: what the owned fields should hold, in the target's own names.",
    "observed_fields": "JSON with the same keys: what they held when last seen.",
    "observed_version": "The target's own version of the record when last seen.",
    "source_commit_at": "Newest commit of the owners of these fields.",
    "correlation_id": "Joins everything of one business chain.",
    "golden_customer_id": "Golden customer.",
    "priority": "1 hold, 2 entitlement, 3 the rest.",
    "needs_approval": "A person has to release the write.",
    "exposure": "Money at risk in `currency`.",
    "currency": "ISO 4217 code.",
}
_SQL = {"string": "varchar", "money": "decimal(24,6)", "decimal": "decimal(38,9)", "strings": "varchar[]", "rate": "decimal(18,12)"}
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


def load_entities(contracts: Path = CONTRACTS) -> list[Entity]:
    """Every entity contract. Raises UsageError naming file, field and mend."""
    return [_entity(path) for path in sorted((contracts / "entities").glob("*.yml"))]


def load_values(entities: Sequence[Entity], contracts: Path = CONTRACTS) -> dict[str, dict[str, dict[str, str]]]:
    """system -> "entity.field" -> code -> canonical value, checked against the values that the entity allows.

    Raises UsageError naming file, field and mend.
    """
    allowed = {f"{entity.name}.{field}": entity.values[field]["allowed"] for entity in entities for field in entity.values}
    found: dict[str, dict[str, dict[str, str]]] = {}
    for path in sorted((contracts / "systems").glob("*.yml")):
        told, where = _read(path), f"contracts/systems/{path.name}"
        if told.get("system") != path.stem or set(told) - {"history"} != {"system", "values"} or not isinstance(told["values"], dict):
            raise UsageError("needs `system`, named as the file, and `values`; it may have `history`.", where=where)
        for name, codes in told["values"].items():
            if name not in allowed:
                raise UsageError("is no field with a value map.", where=where, field=f"values.{name}", mend=f"Known: {', '.join(sorted(allowed))}.")
            for raw, value in (codes or {}).items():
                if not isinstance(raw, str) or not isinstance(value, str):
                    raise UsageError(f"{raw!r}: {value!r} is not text.", where=where, field=f"values.{name}", mend="Quote numbers, yes and no.")
                if value not in allowed[name]:
                    raise UsageError(f"maps {raw!r} to {value!r}, which the entity does not allow.", where=where, field=f"values.{name}",
                                     mend=f"Allowed: {', '.join(allowed[name])}.")
        found[path.stem] = told["values"]
    return found


def history_fields(entities: Sequence[Entity], shapes: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, str, str]]:
    """"entity.field" -> conformed entity, its column, the field's type: what the contracts keep a history of.

    Raises UsageError naming file, field and mend.
    """
    found = {}
    for entity in entities:
        for field, source in (entity.rest.get("history") or {}).items():
            where = f"contracts/entities/{entity.path.name}"
            if field not in entity.fields and field not in entity.values:
                raise UsageError("is neither a field nor has values.", where=where, field=f"history.{field}", mend="Name a field of this file.")
            shape, _, column = str(source).partition(".")
            if column not in shapes.get(shape, {}):
                raise UsageError(f"names {source!r}, which no conformed model delivers.", where=where, field=f"history.{field}",
                                 mend="Write entity.column of contracts/conformed.yml.")
            found[f"{entity.name}.{field}"] = (shape, column, entity.fields.get(field, {"type": "string"})["type"])
    return found


def load_history(fields: Mapping[str, tuple[str, str, str]], contracts: Path = CONTRACTS) -> dict[str, tuple[Tracked, ...]]:
    """system -> what of it delivers which field's history. Raises UsageError naming file, entry and mend."""
    kinds = {name: kind for name, (_, _, kind) in fields.items()}
    told = {path: _read(path).get("history") for path in sorted((contracts / "systems").glob("*.yml"))}
    return {path.stem: load_tracked(lines, kinds, f"contracts/systems/{path.name}") for path, lines in told.items() if lines}


def _drop_history(fields: Mapping[str, tuple[str, str, str]], shapes: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """conformed entity -> its id and the columns that have a history, for file drops: their forms name conformed columns."""
    found: dict[str, Any] = {}
    for name, (shape, column, kind) in fields.items():
        entry = found.setdefault(shape, {"record_id": next(iter(shapes[shape])), "fields": {}})
        entry["fields"][column] = [*name.split(".", 1), kind]
    return found


def load_conformed(contracts: Path = CONTRACTS) -> dict[str, dict[str, str]]:
    """entity -> column -> logical type: what every system's conformed models deliver. Raises UsageError naming file, field and mend."""
    entities: dict[str, dict[str, str]] = _read(contracts / "conformed.yml").get("entities") or {}
    for entity, columns in entities.items():
        for column, kind in columns.items():
            if kind not in TYPES:
                raise UsageError(f"has the unknown type {kind!r}.", where="contracts/conformed.yml", field=f"entities.{entity}.{column}",
                                 mend=f"Types: {', '.join(TYPES)}.")
    return entities


def conformed_systems(shapes: Mapping[str, Mapping[str, str]], project: Path = DBT_PROJECT) -> dict[str, list[str]]:
    """entity -> the systems that have a conformed model of it. Raises UsageError for a model of an entity that nobody knows."""
    found: dict[str, list[str]] = {entity: [] for entity in shapes}
    for path in sorted((project / "models" / "conformed").glob("*/*.sql")):
        system, _, entity = path.stem.partition("__")
        if entity not in shapes or system != path.parent.name:
            raise UsageError(f"is no conformed model: named <system>__<entity>, in its system's folder; entities are {', '.join(sorted(shapes))}.",
                             where=f"transform/models/conformed/{path.parent.name}/{path.name}", mend="Rename it, or add the entity to contracts/conformed.yml.")
        found[entity].append(system)
    return found


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
    entities = load_entities(contracts)
    values = load_values(entities, contracts)
    shapes = landing_shapes(systems)
    conformed = load_conformed(contracts)
    tracked = history_fields(entities, conformed)
    kinds = {name: kind for name, (_, _, kind) in tracked.items()}
    histories = {system: lines for system, lines in load_history(tracked, contracts).items() if system in shapes}
    staging = DBT_PROJECT / "models" / "staging"
    described = {(entity.model, name): field["description"] for entity in entities for name, field in entity.fields.items()}
    versions = {f"{entity.name}.{field}": told["version"] for entity in entities for field, told in entity.values.items()}
    codes = [[*name.split("."), system, raw, value, versions[name]]
             for system, maps in values.items() if system in (*shapes, FILE_DROP) for name, words in maps.items() for raw, value in words.items()]
    return {
        "seeds/value_map.csv": _csv(["entity", "field", "system", "raw_value", "value", "version"], codes),
        "seeds/landed_column.csv": _csv(
            ["system", "resource", "landed_column", "type"],
            [[system, resource, column, kind] for system, resources in shapes.items() for resource, shape in resources.items()
             for column, kind in shape["columns"].items()]),
        "seeds/currency.csv": _csv(["system", "currency", "minor_units", "minor_size"], _currencies(contracts / "currencies.yml", [*shapes, FILE_DROP])),
        "seeds/kpi.csv": _csv(list(COLUMNS), load_kpis().rows()),
        # one a system: an installation parses those of the systems that it connects
        **{f"macros/generated/landing_schema/{system}.sql": _constant(f"landing_schema_{system}", shape, depth=2)
           for system, shape in {**shapes, "concord": _PLATFORM}.items()},
        "macros/generated/finding_kinds.sql": _constant("finding_kinds", load_findings(contracts / "findings.yml")),
        "macros/generated/contract.sql": _constant("contract", {entity.name: _policy(entity) for entity in entities}),
        "macros/generated/conformed_shape.sql": _constant("conformed_shape", conformed),
        "macros/generated/conformed_systems.sql": _constant("conformed_systems", conformed_systems(conformed)),
        "macros/generated/kpi_policy.sql": _constant("kpi_policy", dict(load_kpis().policy)),
        "macros/generated/value_codes.sql": _constant("value_codes", _nested_codes(codes)),
        "macros/generated/identity_facts.sql": _constant("identity_facts", _identity_facts()),
        "macros/generated/operations_shape.sql": _constant("operations_shape", operations_shape()),
        "macros/generated/tracked_fields.sql": _constant("tracked_fields", _drop_history(tracked, conformed)),
        **{f"models/conformed/{system}/{system}__{FIELD_HISTORY}.sql": history_model(system, lines, kinds, staging)
           for system, lines in histories.items()},
        "macros/generated/history_names.sql": _constant(
            "history_names", {system: named for system, lines in histories.items() if (named := named_fields(system, lines, staging))}),
        "macros/generated/sync_models.sql": _constant("sync_models", sync_models()),
        "models/canonical/_canonical.yml": _schema(entities),
        "models/staging/_sources.yml": _sources(),
        "models/sync/_targets.yml": _targets(list(shapes)),
        **{f"models/staging/{system}/_{system}.yml": _dump({"version": 2, "sources": _system_sources(system, tables), "models": _staged(system, tables)})
           for system, tables in shapes.items()},
        **{f"models/conformed/{system}/_{system}_conformed.yml": _dump({"version": 2, "models": _conformed(system, conformed, described)}) for system in (*shapes, FILE_DROP)},
    }


def _nested_codes(codes: Sequence[Sequence[Any]]) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    """entity -> field -> system -> raw code -> canonical value: the rows of the seed `value_map`, for SQL that decodes without a join."""
    nested: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for entity, field, system, raw, value, _ in codes:
        nested.setdefault(entity, {}).setdefault(field, {}).setdefault(system, {})[raw] = value
    return nested


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


def _staged(system: str, resources: Mapping[str, Mapping[str, Any]], project: Path = DBT_PROJECT) -> list[dict[str, Any]]:
    """Schema of a system's staging models: their keys from the config line, their columns' origin from the select list."""
    models = []
    role = _read(SYSTEMS / f"{system}.yml")["roles"][0]
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
            "config": {"enabled": _connected(system), "meta": {"owner": role}},
            "data_tests": [{"unique_together": {"arguments": {"columns": keys}}}], "columns": columns,
        })
    return models


def _conformed(
    system: str, shapes: Mapping[str, Mapping[str, str]], described: Mapping[tuple[str, str], str], project: Path = DBT_PROJECT,
) -> list[dict[str, Any]]:
    """Schema of a system's conformed models: enforced, so that each delivers its entity's shape and nothing else."""
    role = "integration" if system == FILE_DROP else _read(SYSTEMS / f"{system}.yml")["roles"][0]
    models = []
    for entity, systems in conformed_systems(shapes, project).items():
        if system not in systems:
            continue
        columns = [{"name": "connection", "data_type": "varchar", "description": "Connection that it was read from."}]
        columns += [
            {"name": name, "data_type": _SQL.get(kind, kind), "description": described.get((entity, name)) or f"{name.replace('_', ' ').capitalize()}."}
            for name, kind in shapes[entity].items()]
        models.append({
            "name": f"{system}__{entity}", "description": f"{entity} as {system} keeps it, in the shape that all systems share.",
            "config": {
                "enabled": _connected(system), "contract": {"enforced": True}, **({"on_schema_change": "fail"} if entity == FIELD_HISTORY else {}),
                "meta": {"owner": role}},
            "columns": columns,
        })
    return models


def sync_models(project: Path = DBT_PROJECT) -> dict[str, list[str]]:
    """system -> its sync models, by their names: sync_<system>__<records>."""
    found: dict[str, list[str]] = {}
    for path in sorted((project / "models" / "sync").glob("sync_*.sql")):
        found.setdefault(path.stem.removeprefix("sync_").partition("__")[0], []).append(path.stem)
    return found


def _targets(systems: Sequence[str], project: Path = DBT_PROJECT) -> str:
    """Schema of the sync models, found by their names: sync_<system>__<records>."""
    models = []
    for path in sorted((project / "models" / "sync").glob("sync_*.sql")):
        system, _, records = path.stem.removeprefix("sync_").partition("__")
        if system not in systems:
            raise UsageError(f"no system is called {system!r}.", where=f"transform/models/sync/{path.name}", mend="Name it sync_<system>__<records>.")
        columns = dict(_SYNC) if "case_sync(" not in path.read_text() else _SYNC | {"note": "Internal note to add with the change; null where there is none."}
        models.append({
            "name": path.stem, "description": f"Desired and observed state of {records} in {system}; one row a record even when equal.",
            "config": {"enabled": _connected(system), "meta": {"owner": _read(SYSTEMS / f"{system}.yml")["roles"][0]}},
            "data_tests": [{"unique_together": {"arguments": {"columns": ["connection", "record_id"]}}}],
            "columns": [{"name": name, "description": description} for name, description in columns.items()],
        })
    return _dump({"version": 2, "models": models})


def _connected(system: str) -> str:
    return "{{ '" + system + "' in var('connections', {}) }}"


def write(contracts: Path = CONTRACTS, systems: Path = SYSTEMS, project: Path = DBT_PROJECT) -> list[Path]:
    """Write what has changed; returns those paths."""
    changed, is_new = [], False
    for name, content in generated_files(contracts, systems).items():
        path = project / name
        if not path.exists() or path.read_text() != content:
            is_new = is_new or not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            changed.append(path)
    # a model that was not there before is described by the next round
    return [*changed, *write(contracts, systems, project)] if is_new else changed


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
    return str(told if isinstance(told, str) else told["type"]).split("<")[0].strip().removesuffix("?")


def _entity(path: Path) -> Entity:
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
        _check_field(where, name, field)
    for name in spec["grain"]:
        if name not in spec["fields"]:
            raise UsageError(f"names {name!r}, which is not among the fields.", where=where, field="grain", mend="Name fields of this file.")
    for name, values in (spec.get("values") or {}).items():
        allowed = set(values.get("allowed") or [])
        if not isinstance(values.get("version"), int) or not allowed:
            raise UsageError("needs `version` (a number) and `allowed`.", where=where, field=f"values.{name}")
        for key in sorted(set(values) - {"version", "allowed"}):
            raise UsageError("is neither `version` nor `allowed`.", where=where, field=f"values.{name}.{key}",
                             mend="A system's codes stand in contracts/systems/<system>.yml.")
    for key, value in (spec.get("policy") or {}).items():
        if key.endswith("grace"):
            seconds(value, where, f"policy.{key}")
    known = {"entity", "model", "description", "owner", "grain", "fields", "values", "policy"}
    return Entity(
        path=path, name=spec["entity"], model=spec["model"], description=spec["description"], owner=spec["owner"],
        grain=tuple(spec["grain"]), fields=spec["fields"], values=spec.get("values") or {}, policy=spec.get("policy") or {},
        rest={key: value for key, value in spec.items() if key not in known},
    )


def _check_field(where: str, name: str, field: Any) -> None:
    place = f"fields.{name}"
    if not isinstance(field, dict) or not field.get("type") or not field.get("description"):
        raise UsageError("needs `type` and `description`.", where=where, field=place)
    for key in sorted(set(field) - _FIELD_KEYS):
        raise UsageError(f"has the unknown key {key!r}.", where=where, field=place, mend=f"Known: {', '.join(sorted(_FIELD_KEYS))}.")
    if field["type"] not in TYPES:
        raise UsageError(f"has the unknown type {field['type']!r}.", where=where, field=place, mend=f"Types: {', '.join(TYPES)}.")


def _identity_facts() -> dict[str, list[str]]:
    """What the matcher knows of names and domains, for the keys that SQL compares. A form of two letters counts at the end of a name only."""
    from identity.facts import domain_facts, legal_form_words

    forms = legal_form_words()
    return {"legal_forms": [form for form in forms if len(form) > 2], "short_legal_forms": [form for form in forms if len(form) == 2],
            "shared_domains": sorted(domain_facts().shared)}


def _policy(entity: Entity) -> dict[str, Any]:
    """What SQL asks of a contract: durations in seconds, numbers as text, lists and pairs as they are."""
    told: dict[str, Any] = {}
    for key, value in entity.policy.items():
        told[f"{key}_seconds" if key.endswith("grace") else key] = (
            seconds(value, entity.path.name, f"policy.{key}") if key.endswith("grace") else str(value))
    told |= {key: value for key, value in entity.rest.items() if key not in ("history", "materialized")}
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


def _constant(name: str, value: Any, *, depth: int = 1) -> str:
    """A macro that returns the value. `depth`: how deep it stands; what is deeper than three is written on one line."""
    return (
        "{#- Generated by `python -m transform.generate` from contracts/ and ingestion/systems/. Edit those. -#}\n"
        f"{{% macro {name}() %}}\n    {{{{ return({_literal(value, depth)}) }}}}\n{{% endmacro %}}\n"
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
        is_view = entity.rest.get("materialized") == "view"  # costs nothing to build, so it is not read through to be tested either
        for name, field in entity.fields.items():
            column: dict[str, Any] = {"name": name, "description": field["description"], "data_type": _SQL.get(field["type"], field["type"])}
            if field.get("required"):
                column["constraints"] = [{"type": "not_null"}]
            tests: list[Any] = []
            if entity.grain == (name,):
                tests.append("key")
            if field.get("values") and name in entity.values:
                tests.append({"accepted_values": {"arguments": {"values": list(entity.values[name]["allowed"])}}})
            if name == "customer_id" and entity.name != "customer" and not is_view:
                tests.append({"relationships": {"arguments": {"to": "ref('customer')", "field": "customer_id"}}})
            if tests:
                column["data_tests"] = tests
            if field.get("pii"):
                column["config"] = {"meta": {"pii": True}}
            columns.append(column)
        models.append({
            "name": entity.model, "description": entity.description,
            "config": {
                **({"materialized": "view"} if is_view else {}), "contract": {"enforced": True}, "meta": {"owner": entity.owner, "entity": entity.name}},
            "columns": columns,
        })
    return _dump({"version": 2, "models": models})


def _system_sources(system: str, tables: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{
        "name": system, "description": f"Landing of {system}, all its connections together.",
        "tables": [{"name": name, "columns": [{"name": column} for column in shape["columns"]]} for name, shape in tables.items()]}]


def _sources() -> str:
    return _dump({"version": 2, "sources": [{
        "name": "concord", "description": "What ingestion says about its own work, a table a connection.",
        "tables": [{"name": name, "columns": [{"name": column} for column in shape["columns"]]} for name, shape in _PLATFORM.items()],
    }]})


if __name__ == "__main__":
    try:
        for written in write():
            sys.stdout.write(f"wrote {written.relative_to(PROJECT)}\n")
    except UsageError as error:
        sys.exit(f"{error}")
