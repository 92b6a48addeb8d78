import pytest

from schemas.errors import JobError, MissingError
from tests.filters.conformance import batch_of, check_filter, findings
from transforms.filters.misinformation import Misinformation

LIST = "domain,citation\nhoax.example,https://factcheck.example/hoax\nWWW.Rumour.example,Doe 2024 p. 3\n"


def written(tmp_path, text=LIST):
    path = tmp_path / "domains.csv"
    path.write_text(text)
    return str(path)


def rows(*urls):
    return [{"url": url} for url in urls]


def test_a_listed_domain_and_its_subdomains_carry_the_citation_and_others_do_not(tmp_path):
    subject = Misinformation(domains=written(tmp_path), action="reject")
    listed = rows("https://hoax.example/a.jpg", "http://img.news.hoax.example/b.jpg", "https://rumour.example/c.jpg")
    check_filter(subject, keeps=rows("https://other.example/a.jpg", "https://nohoax.example/", "https://example/", None), rejects=listed)
    batch = batch_of(listed, subject)
    [found] = findings(subject, batch, subject.measure(batch))
    assert found.details == [
        "hoax.example: https://factcheck.example/hoax", "hoax.example: https://factcheck.example/hoax", "rumour.example: Doe 2024 p. 3",
    ]  # fmt: skip


def test_low_agreement_is_a_suspicion_and_a_row_has_the_word_once(tmp_path):
    subject = Misinformation(domains=written(tmp_path), min_agreement=0.2)
    given = [
        {"url": "https://hoax.example/", "measures": {"clip_score": {"score": 0.1}}},
        {"url": "https://fine.example/", "measures": {"clip_score": {"score": 0.1}}},
        {"url": "https://fine.example/", "measures": {"clip_score": {"score": 0.2}}},
        {"url": "https://fine.example/"},
    ]
    batch = batch_of(given, subject)
    found = findings(subject, batch, subject.measure(batch))
    assert [(f.rows.tolist(), f.threshold) for f in found] == [([0], None), ([1], 0.2)]


def test_it_flags_unless_the_job_says_reject():
    assert Misinformation().action == "flag"


@pytest.mark.parametrize("text", ["domain\nhoax.example\n", "domain,citation\nhoax.example,\n", "domain,citation\nno host,see\n"])
def test_an_entry_without_a_domain_or_a_citation_is_refused_with_its_line(tmp_path, text):
    with pytest.raises(JobError, match=r"domains\.csv"):
        Misinformation(domains=written(tmp_path, text)).list_files()


def test_a_list_that_is_not_there_is_missed():
    with pytest.raises(MissingError, match="put the list there"):
        Misinformation(domains="/nowhere.csv").list_files()
