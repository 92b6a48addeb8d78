"""Suspicions are flags unless the job says more, and each comes with what speaks for it."""

import pytest
from pydantic import ValidationError

from schemas.errors import JobError, MissingError
from tests.builders import jpeg
from tests.filters.conformance import batch_of, check_filter, findings, judged
from transforms.changed_domains import Changes, load_changes
from transforms.filters.poisoning import Poisoning

HIDDEN = {"caption": "a photo of a d\u200bo\u200bg", "image": jpeg()}
POLYGLOT = {"caption": "a photo of a dog", "image": jpeg() + b"PK\3\4 an archive of some kind"}
PLAIN = {"caption": "a photo of a dog \u2764\ufe0f", "image": jpeg() + b"\0\0\r\n", "url": "https://example.org/a.jpg"}


def evidence(subject, rows):
    batch = batch_of(rows, subject)
    return [
        (
            found.kind,
            found.word,
            found.rows.tolist(),
            None if found.scores is None else found.scores.tolist(),
            found.threshold,
            found.details,
        )
        for found in findings(subject, batch, subject.measure(batch))
    ]


def test_what_hides_something_is_a_reason_where_the_job_says_so():
    check_filter(Poisoning(action="reject"), keeps=[PLAIN, {"caption": None}, {"image": b"no picture"}], rejects=[HIDDEN, POLYGLOT])


def test_a_suspicion_is_a_flag_with_its_evidence_and_the_filters_own():
    assert evidence(Poisoning(action="reject"), [PLAIN, POLYGLOT, HIDDEN]) == [
        ("flag", "poisoning:trailing_bytes", [1], [28.0], 16, ["zip"]),
        ("reason", "poisoning", [1], None, None, "trailing_bytes"),
        ("flag", "poisoning:invisible_characters", [2], [2.0], 0, ["caption: zero_width 2"]),
        ("reason", "poisoning", [2], None, None, "invisible_characters"),
    ]
    assert Poisoning().action == "flag"


def test_single_suspicions_can_reject_and_bounds_can_be_moved():
    mixed = findings(Poisoning(reject=["trailing_bytes"]), batch := batch_of([POLYGLOT, HIDDEN]), Poisoning().measure(batch))
    assert [(found.kind, found.proven) for found in mixed if found.word == "poisoning"] == [("reason", True), ("flag", False)]
    assert judged(Poisoning(max_trailing_bytes=28, max_invisible=2), [POLYGLOT, HIDDEN]) == [set(), set()]


def test_hosts_of_domains_that_changed_hands_after_the_list_was_made_are_suspected(tmp_path):
    path = tmp_path / "changed.csv"
    path.write_text("Domain,changed_at,by\nexample.org,2022-03-01,x\nold.example,2015-01-01\n\nB\u00fccher.example,\n")
    urls = [
        "https://img.example.org/1.jpg",
        "https://old.example/2.jpg",
        "https://anexample.org/3.jpg",
        "https://b\u00fccher.example/",
        None,
    ]
    rows = [{"caption": "a photo of a dog", "url": url} for url in urls]
    [flag, own] = evidence(Poisoning(changed_domains=str(path), listed_at="2021-08-01"), rows)
    assert flag == (
        "flag", "poisoning:changed_domain", [0, 3], None, None,
        ["example.org changed hands 2022-03-01", "xn--bcher-kva.example changed hands on a day that nobody knows"],
    )  # fmt: skip
    assert own[:3] == ("flag", "poisoning", [0, 3])
    assert evidence(Poisoning(changed_domains=str(path)), rows)[0][2] == [0, 1, 3]
    [named] = Poisoning(changed_domains=str(path)).list_files()
    assert named.name == "changed_domains: changed.csv"


def test_the_nearest_listed_domain_and_its_latest_date_count(tmp_path):
    for name, date in (("a.csv", "2020-01-01"), ("b.csv", "2023-01-01")):
        (tmp_path / name).write_text(f"domain,changed_at\nexample.org,{date}\n")
    assert load_changes([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]) == Changes({"example.org": "2023-01-01"})
    nested = Changes({"example.org": "", "img.example.org": "2020-01-01"})
    assert nested.of("a.img.example.org") == ("img.example.org", "2020-01-01")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("example.org\n", "the first line must name the columns domain, changed_at"),
        ("domain,changed_at\nexample.org,last year\n", "row 2: changed_at is 'last year', and must be a date"),
        ("domain,changed_at\nno domain at all,2020-01-01\n", "row 2: 'no domain at all' is no domain"),
    ],
)
def test_a_list_that_cannot_be_meant_stops_the_job_and_names_the_row(tmp_path, text, says):
    path = tmp_path / "changed.csv"
    path.write_text(text)
    with pytest.raises(JobError, match=says):
        Poisoning(changed_domains=str(path)).list_files()


def test_a_list_that_is_not_there_stops_the_job(tmp_path):
    with pytest.raises(MissingError, match="changed_domains: there is no file"):
        Poisoning(changed_domains=str(tmp_path / "gone.csv")).list_files()


@pytest.mark.parametrize("options", [{"reject": ["polyglot"]}, {"listed_at": "August 2021"}, {"placeholder_captions": 1}])
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValidationError):
        Poisoning(**options)
