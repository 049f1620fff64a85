"""connections.yml: what does not fit is refused with file, key and mend."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from concord.connections import Connection, SandboxAccount, known_systems, load_connections, secret
from concord.errors import ConcordError, UsageError
from concord.settings import PROJECT, load_settings
from ingestion.spec import load_system


def write(folder: Path, text: str) -> Path:
    file = folder / "connections.yml"
    file.write_text(text)
    return file


def test_the_shipped_file_connects_one_system_of_each_role() -> None:
    connections = load_connections(PROJECT / "connections.yml")
    assert sorted(connection.role for connection in connections.values()) == ["billing", "crm", "erp", "support"]
    assert connections["netsuite"].freshness == timedelta(hours=72)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("connections: {a: {system: netsuite, role: erp, sandbx: true}}", r"connections\.yml: connections\.a: unknown key `sandbx`"),
        ("connections: {a: {system: netsweet, role: erp}}", r"connections\.a\.system: no system is called 'netsweet'.*Known systems: "),
        ("connections: {a: {system: netsuite, role: boss}}", r"connections\.a: `role`"),
        ("connections: {a: {system: stripe, role: erp}}", r"connections\.a\.role: stripe does not play 'erp'\. Write billing\."),
        ("connections: {A-1: {system: netsuite, role: erp}}", "lower-case letters"),
        ("connections: {a: {system: netsuite, role: erp, freshness: soon}}", "72h"),
        ("connections: {a: [1]}", r"connections\.a: must be a mapping"),
        ("connections: {}", "connects nothing"),
        ("conections: {}", "one key, `connections`"),
        ("connections: {a: {", "not valid YAML"),
        ("connections:\n  a: {system: netsuite, role: erp}\n  a: {system: stripe, role: billing}", r"'a' stands there twice\s.*line 3, column 3"),
        ("connections: {a: {system: netsuite, role: erp, region: amer, region: emea}}", "'region' stands there twice"),
        ("connections: {a: {system: netsuite, role: erp, freshness: 99999999999d}}", "72h"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load_connections(write(tmp_path, text))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_connections(tmp_path / "connections.yml")


def test_a_file_that_is_none_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read \(Is a directory\)"):
        load_connections(tmp_path)
    (tmp_path / "connections.yml").write_bytes("connections: {a: ü}".encode("latin-1"))
    with pytest.raises(UsageError, match=r"connections\.yml: is not UTF-8 text"):
        load_connections(tmp_path / "connections.yml")


def test_secrets_are_named_never_shown() -> None:
    real = Connection(name="billing", system="stripe", role="billing", secrets={"api_key": "STRIPE_API_KEY"})
    with pytest.raises(ConcordError, match="STRIPE_API_KEY is not set"):
        secret(real, "api_key", environment={})
    assert secret(real, "api_key", environment={"STRIPE_API_KEY": "rk_1"}) == "rk_1"
    with pytest.raises(UsageError, match=r"secrets\.other"):
        secret(real, "other", environment={})
    stand_in = Connection(name="billing", system="stripe", role="billing", sandbox=True)
    assert secret(stand_in, "api_key", SandboxAccount("http://127.0.0.1:1", {"api_key": "sk"})) == "sk"
    with pytest.raises(ConcordError, match="sandbox serve"):
        secret(stand_in, "api_key", None)


@pytest.mark.parametrize("system", [name for name in known_systems() if name != "file_drop"])
def test_the_variables_that_a_connection_asks_for_are_in_the_example(system: str) -> None:
    told = set(re.findall(r"^# ([A-Z][A-Z0-9_]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE))
    assert {f"{system}_{name}".upper() for way in load_system(system).auth.values() for name in way.secrets} <= told


def test_concord_data_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="CONCORD_DATA"):
        load_settings({"CONCORD_DATA": str(tmp_path / "nope")})
    assert load_settings({"CONCORD_DATA": ""}).data is None
    assert load_settings({"CONCORD_HOME": str(tmp_path)}).published == tmp_path.resolve() / "published.duckdb"
