"""`concord identity match`: files in, files out, and what a user reads when a file is not what it should be."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from concord.cli import app, main
from concord.errors import UsageError
from identity.letters import plain

A = "Vendor ID,Company,Street Address,Zip,Telephone\n1,Kestrel Dairy Co,12 Main St,60601,312 555 0101\n2,Tulip Quarry Ltd,,,\n3,Marigold Foods,,,\n"
B = "id,name,address,postal code,phone\n1,KESTREL DAIRY COMPANY,12 Main Street,60601,(312) 555-0101\n7,Tulip Quarry Limited,,,\n8,Tulip Quarry LTD.,,,\n9,Copper Optics,,,\n"


def match(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["identity", "match", *map(str, arguments)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_two_files_are_linked_by_whatever_headers_they_have(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(A)
    with gzip.open(tmp_path / "b.csv.gz", "wt") as file:
        file.write(B)
    result = match(tmp_path / "a.csv", tmp_path / "b.csv.gz", "--out", tmp_path / "links.csv", "--save-model", tmp_path / "model.json")
    assert result.exit_code == 0, result.output
    assert "record_key from 'Vendor ID'" in result.output
    links = rows(tmp_path / "links.csv")
    assert list(links[0]) == ["left_id", "right_id", "left_name", "right_name", "probability", "weight", "band", "method", "evidence"]
    first = links[0]
    assert (first["left_id"], first["right_id"], first["band"], first["right_name"]) == ("1", "1", "match", "KESTREL DAIRY COMPANY")
    assert {field["field"] for field in json.loads(first["evidence"])["fields"]} >= {"name", "address", "phone"}
    # by name alone nobody can tell which of two it is
    assert {(link["left_id"], link["right_id"], link["band"]) for link in links[1:]} == {("2", "7", "review"), ("2", "8", "review")}
    again = match(tmp_path / "a.csv", tmp_path / "b.csv.gz", "--out", tmp_path / "again.csv", "--no-train", "--model", tmp_path / "model.json")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "links.csv").read_bytes()


def test_of_two_that_tie_by_name_the_one_written_the_same_is_the_match(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,Kestrel Dairy Co\n2,Kestrel Dairy Company\n3,Tulip Quarry Ltd\n")
    (tmp_path / "b.csv").write_text("id,name\n1,Kestrel Dairy Co\n2,Kestrel Dairy Company\n3,Tulip Quarry Ltd\n4,Tulip Quarry Ltd\n")
    assert match(tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "links.csv").exit_code == 0
    assert {(link["left_id"], link["right_id"]) for link in rows(tmp_path / "links.csv") if link["band"] == "match"} == {("1", "1"), ("2", "2")}


def test_of_two_that_tie_by_name_the_one_with_the_words_in_the_same_order_is_the_match(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,University of Kestrel\n2,Kestrel University\n3,Tulip Quarry Dairy\n")
    (tmp_path / "b.csv").write_text("id,name\n1,Univ. of Kestrel\n2,Kestrel Univ. (Main)\n4,Copper Optics\n")
    assert match(tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "links.csv").exit_code == 0
    assert {(link["left_id"], link["right_id"]) for link in rows(tmp_path / "links.csv") if link["band"] == "match"} == {("1", "1"), ("2", "2")}


def test_a_partner_that_has_a_better_one_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,Kestrel & Co. Inc.\n2,Kestrel KGaA\n3,Tulip Quarry Dairy\n")
    (tmp_path / "b.csv").write_text("id,name\n1,Kestrel Corp\n2,KESTREL KGAA\n4,Copper Optics\n")
    assert match(tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "links.csv").exit_code == 0
    assert {(link["left_id"], link["right_id"]) for link in rows(tmp_path / "links.csv") if link["band"] == "match"} == {("1", "1"), ("2", "2")}


@pytest.mark.parametrize("towns", [("Aachen", "Bergen", "Cádiz"), ("52062", "5003", "11001")])
def test_of_equal_names_the_town_says_which_where_no_street_is_known(tmp_path: Path, towns: tuple[str, str, str]) -> None:
    header = "id,name,postcode\n" if towns[0].isdigit() else "id,name,city\n"
    (tmp_path / "a.csv").write_text(header + "".join(f"{n},Kestrel Dairy,{town}\n" for n, town in enumerate(towns)), encoding="utf-8")
    (tmp_path / "b.csv").write_text(header + "".join(f"{n},KESTREL DAIRY,{plain(town).upper()}\n" for n, town in enumerate(towns)))
    assert match(tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "links.csv").exit_code == 0
    assert {(link["left_id"], link["right_id"]) for link in rows(tmp_path / "links.csv") if link["band"] == "match"} == {("0", "0"), ("1", "1"), ("2", "2")}


def test_one_file_is_deduplicated_and_every_record_has_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(A + "4,Kestrel Dairy Company Inc,12 Main Street,60601,3125550101\n")
    result = match(tmp_path / "a.csv", "--out", tmp_path / "links.csv", "--clusters", tmp_path / "clusters.csv")
    assert result.exit_code == 0, result.output
    assert [(link["left_id"], link["right_id"]) for link in rows(tmp_path / "links.csv") if link["band"] == "match"] == [("1", "4")]
    assert {row["id"]: row["cluster_id"] for row in rows(tmp_path / "clusters.csv")} == {"1": "1", "2": "2", "3": "3", "4": "1"}


@pytest.mark.parametrize("content, said", [
    ("code,label text,town\n1,x,y\n", ["a.csv", "name", "--column name="]),
    ("label,company\n1,x\n", ["a.csv", "id", "--column record_key="]),
    ("id,name\n1,Kestrel\n,Tulip\n", ["a.csv", "line 3", "no id"]),
    ("\n \n", ["a.csv", "empty", "header line"]),
    ("id,name\n1,Kestrel\n2,Tulip, Inc.\n", ["a.csv", "line 3", "3 fields", "in quotes"]),
    ('id,name\n1,"Kestrel, Co"\n2,"Tulip\n3,Marigold\n', ["a.csv", "line 3", "quote", "not closed"]),
    (f"id,name\n1,{'K' * 20_000}\n", ["a.csv", "name", "20000 characters", "quote"]),
    ("id,name\n1,Kes\0trel\n", ["a.csv", "not text", "UTF-8"]),
])
def test_a_file_without_what_it_needs_is_named_with_the_mend(tmp_path: Path, content: str, said: list[str]) -> None:
    (tmp_path / "a.csv").write_text(content)
    result = match(tmp_path / "a.csv", "--out", tmp_path / "links.csv")
    assert isinstance(result.exception, UsageError)
    assert [part for part in said if part not in str(result.exception)] == []
    assert not (tmp_path / "links.csv").exists()


@pytest.mark.parametrize("content, guessed", [
    ('id,name\r\n1,"Müller,\r\nDairy"\r\n2,Kestrel\r\n'.encode("utf-8-sig"), False), ("id;name\n1;Müller, Dairy".encode("cp1252"), True),
    ("id\tname\n1\tMüller, Dairy\n\n".encode("utf-16"), False), ('ID|Name|\n1| "Müller, Dairy"\n'.encode(), False),
    (gzip.compress('NAME,ID\r"Müller, Dairy",1\r'.encode(), mtime=0), False),
])
def test_a_file_may_come_from_anywhere(tmp_path: Path, content: bytes, guessed: bool) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    (tmp_path / "b.csv").write_text("id,name\n#1,Müller Dairy\n", encoding="utf-8")
    result = match(tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "links.csv")
    assert result.exit_code == 0, result.output
    links = rows(tmp_path / "links.csv")
    assert [(link["left_id"], link["right_id"], link["band"], link["left_name"].split()) for link in links] == [("1", "#1", "match", ["Müller,", "Dairy"])]
    assert ("not UTF-8" in result.output) == guessed


def test_quotes_that_quote_nothing_are_part_of_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id\tname\n1\t"Big" Kestrel\n2\t"Big Kestrel\n3\t5" Tulip\n')
    assert match(tmp_path / "a.csv", "--out", tmp_path / "links.csv").exit_code == 0
    assert [(link["left_name"], link["right_name"]) for link in rows(tmp_path / "links.csv")] == [('"Big" Kestrel', '"Big Kestrel')]


def test_two_files_may_keep_a_column_under_different_headers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,Firma\n1,Kestrel Dairy\n")
    (tmp_path / "b.csv").write_text("id,Bezeichnung\n7,Kestrel Dairy\n")
    result = match(tmp_path / "a.csv", tmp_path / "b.csv", "--out", tmp_path / "links.csv", "--column", "name=Firma", "--column", "name=Bezeichnung")
    assert result.exit_code == 0, result.output
    assert [(link["left_id"], link["right_id"]) for link in rows(tmp_path / "links.csv")] == [("1", "7")]


def test_nothing_that_is_read_is_written_over(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(A)
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    for arguments, said in (
        ([a, "--out", a], "that is read"), ([a, b, "--out", tmp_path / "." / "b.csv"], "that is read"), ([a, "--out", tmp_path], "cannot be written"),
        ([a, "--out", tmp_path / "l.csv", "--clusters", tmp_path / "l.csv"], "--out writes"), ([a, "--out", tmp_path / "l.csv", "--save-model", a], "that is read"),
    ):
        error = match(*arguments).exception
        assert isinstance(error, UsageError) and said in str(error), arguments
    assert (a.read_text(), b.read_text()) == (A, A)


def test_brackets_in_a_header_or_path_are_said_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a[red].csv").write_text("code[/x],y\n1,2\n")
    monkeypatch.setattr("sys.argv", ["concord", "identity", "match", str(tmp_path / "a[red].csv")])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr().err
    assert stopped.value.code == 2 and "a[red].csv" in said and "code[/x]" in said


def test_arguments_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(A)
    for arguments, said in (
        (["--out", tmp_path / "none" / "links.csv"], "no such folder"), (["--column", "name=Firm"], "no such column"), (["--column", "colour=Company"], "no column 'colour'"),
        (["--model", tmp_path / "none.json"], "no such file"), (["--pass", "magic"], "'magic'"), ([tmp_path / "a.csv", "--clusters", tmp_path / "c.csv"], "one file"),
    ):
        result = match(tmp_path / "a.csv", *arguments)
        assert isinstance(result.exception, UsageError) and said in str(result.exception), arguments
    assert isinstance(match(tmp_path / "missing.csv").exception, UsageError)


def test_a_header_given_by_hand_goes_first(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name,trading\n1,Legal One,Kestrel Dairy\n2,Legal Two,Kestrel Dairy\n")
    result = match(tmp_path / "a.csv", "--out", tmp_path / "links.csv", "--column", "name=trading")
    assert result.exit_code == 0, result.output
    assert [link["left_name"] for link in rows(tmp_path / "links.csv")] == ["Kestrel Dairy"]
