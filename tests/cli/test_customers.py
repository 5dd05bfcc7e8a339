"""The commands on customers: a file taken in, found, shown masked, judged, merged and taken apart, in a person's own name."""

from __future__ import annotations

from pathlib import Path

from tests.cli.test_people import bank, run
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]

HEAD = "source_key,name,birth,phone,document_no,also\n"
CORE = "C0001,龚宇轩,1990-05-04,13800138000,,\nC0002,田雨欣,1979-11-30,,,passport:EK1234567\n"
CARD = "K1,GONG YUXUAN,19900504,13800138000,,account:6228480012345671\nK2,田雨欣,1979-11-30,,,\n"


def test_from_two_files_to_one_customer_and_back(bank: Path, folk: Folk, tmp_path: Path) -> None:
    for name, rows in (("core", CORE), ("card", CARD)):
        (tmp_path / f"{name}.csv").write_text(HEAD + rows, encoding="utf-8")
    steward = ("--as", folk.roles["data_steward"])
    files = [
        run(bank, "customer", "link", str(tmp_path / f"{s}.csv"), "--source", s, *steward) for s in ("core", "card")
    ]
    assert [found["taken"]["new"] for _, found in files] == [2, 2]
    linked = files[1][1]["linked"]
    assert (linked["merges"], linked["queued"]) == (1, 1)
    (party,) = run(bank, "customer", "find", "account", "6228 4800 1234 5671", *steward)[1]["parties"]
    assert (party["party"], [one["source"] for one in party["members"]]) == ("C0001", ["core", "card"])
    shown = run(bank, "customer", "show", party["members"][1]["number"], *steward)[1]
    assert {one["field"]: one["value"] for one in shown["values"]}["phone"] == "138****8000"
    assert [one["kind"] for one in shown["history"]] == ["merge"]
    (waiting,) = run(bank, "customer", "queue", *steward)[1]["queue"]
    decide = ("customer", "queue", "--apart", waiting["candidate"], *steward)
    assert run(bank, *decide)[1]["error"]["code"] == "identity.reason"
    assert run(bank, *decide, "--reason", "called both")[1] == {"events": []}
    assert run(bank, "customer", "queue", *steward)[1] == {"queue": []}
    undone = run(bank, "customer", "unmerge", "C0001", "--reason", "two people", *steward)[1]["events"]
    assert [(one["kind"], one["other"]) for one in undone] == [("unmerge", "C0001")]
    code, asked = run(bank, "customer", "merge", "C0001", "C0002", "--reason", "court paper", *steward)
    assert code == 0
    assert asked["request"]
    code, refused = run(bank, "customer", "merge", "C0001", "C0002", "--run", *steward)
    assert (code, refused["error"]["code"]) == (5, "organization.not_in_force")


def test_who_is_no_steward_neither_merges_nor_sees_the_queue(bank: Path, folk: Folk, tmp_path: Path) -> None:
    manager = ("--as", folk.roles["relationship_manager"])
    for words in (("queue",), ("unmerge", "C0001", "--reason", "x"), ("link",)):
        code, found = run(bank, "customer", *words, *manager)
        assert (code, found["error"]["code"]) == (4, "rights.not_allowed"), words
    code, found = run(bank, "customer", "show", "C9999", *manager)
    assert (code, found["error"]["code"]) == (2, "identity.no_party")
    bad = run(bank, "customer", "link", str(tmp_path / "none.csv"), "--as", folk.roles["data_steward"])[1]
    assert bad["error"]["code"] == "identity.file"


def test_a_customer_allows_withdraws_and_asks_for_a_copy(bank: Path, folk: Folk, tmp_path: Path) -> None:
    steward = ("--as", folk.roles["data_steward"])
    said = ("customer", "consent", "C0001", "--origin", "counter", *steward)
    code, refused = run(bank, *said, "--give", "marketing")
    assert (code, refused["error"]["code"]) == (2, "consent.word")
    given = run(bank, *said, "--give", "marketing", "--evidence", "form=M-1", "--evidence", "proof=scan-7")[1]
    assert (given["marketing"], given["content"], given["changed"]) == (True, "personal", True)
    assert run(bank, *said, "--give", "no_personalisation")[1]["content"] == "generic"
    assert run(bank, *said, "--give", "no_marketing")[1]["marketing"] is False
    shown = run(bank, "customer", "consent", "C0001", "--as", folk.roles["relationship_manager"])[1]
    assert [one["purpose"] for one in shown["words"]] == ["marketing", "no_marketing", "no_personalisation"]
    code, refused = run(bank, "customer", "dnc", "C0001", "--as", folk.roles["hq_strategist"], "--reason", "letter")
    assert (code, refused["error"]["code"]) == (5, "consent.not_listed")
    assert run(bank, "customer", "export", "C0001", "--reason", "letter", *steward)[1]["request"]
    code, refused = run(bank, "customer", "export", "C0001", "--to", str(tmp_path / "copy.json"), *steward)
    assert (code, refused["error"]["code"]) == (5, "organization.not_in_force")
    assert not (tmp_path / "copy.json").exists()
    assert run(bank, "customer", "erase", "C0001", "--reason", "letter", *steward)[1]["request"]
