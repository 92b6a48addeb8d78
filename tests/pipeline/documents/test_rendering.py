"""Pages say what the record says, as text: nothing from the data becomes markup."""

import html.parser
import json
import re

import pytest
import yaml

from pipeline.documents.charts import charts
from pipeline.documents.facts import NOT_ANSWERED
from pipeline.documents.html import render_html
from pipeline.documents.markdown import render_markdown
from schemas.questions import QUESTIONS
from tests.pipeline.documents.conftest import MARKUP

HOSTILE = "<img src=x onerror=alert(1)>|`</table>"


class Elements(html.parser.HTMLParser):
    """Names of elements and of attributes, and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_data(self, data):
        self.text += data


def parsed(text: str) -> Elements:
    elements = Elements()
    elements.feed(text)
    return elements


@pytest.fixture(scope="module")
def record(finished):
    return finished.document("datasheet.json")


def hostile(record):
    """The record with hostile words in every place that a source or a filter of another package can name."""
    changed = json.loads(json.dumps(record))
    changed["columns"]["value"][3]["column"] = changed["reasons"]["value"][0]["reason"] = HOSTILE
    changed["flags"]["value"].append({"word": HOSTILE, "rows": 1})
    changed["unreadable"]["value"].append({"problem": HOSTILE, "rows": 1})
    changed["groups"]["value"][0] |= {"attribute": HOSTILE, "level": HOSTILE, "suppressed": False, "readable": 30}
    changed["scores"]["value"][0]["score"] = HOSTILE
    changed["funnel"]["value"][1]["step"] = HOSTILE
    changed["dataset"]["title"]["value"] = HOSTILE
    return changed


def test_the_page_needs_nothing_from_elsewhere(finished):
    elements = parsed((finished.out / "datasheet.html").read_text())
    assert "script" not in elements.tags
    assert not [link for link in elements.links if not link.startswith(("#", "data:image/jpeg;base64,"))]
    assert {"svg", "table", "img", "style"} <= set(elements.tags)


def test_hostile_names_stay_text_in_page_and_charts(record):
    elements = parsed(render_html(hostile(record), []).decode())
    assert not {"script", "img"} & set(elements.tags)
    assert not [name for name in elements.attributes if name.startswith("on")]
    assert HOSTILE in elements.text


def test_hostile_names_stay_text_in_markdown(record):
    text = render_markdown(hostile(record)).decode()
    assert "<img" not in text
    assert r"&lt;img src=x onerror=alert(1)&gt;\|\`&lt;/table&gt;" in text


def test_every_line_of_a_markdown_table_has_as_many_cells_as_its_head(finished):
    width = 0
    for line in (finished.out / "datasheet.md").read_text().splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert cells in (0, width) or not width, line
        width = cells


def test_declared_texts_are_escaped(finished):
    page = (finished.out / "datasheet.html").read_text()
    assert "Walls &amp; &lt;b&gt;doors&lt;/b&gt;" in page
    assert "To test | documents &lt;i&gt;carefully&lt;/i&gt;." in page


def test_a_question_that_nobody_answers_says_so_loudly(record):
    unanswered = [entry["id"] for entry in record["questions"] if entry["text"] == NOT_ANSWERED]
    declared = {question.id for question in QUESTIONS if question.kind == "declared"}
    assert len(record["questions"]) == 57
    assert set(unanswered) == declared - {"motivation.purpose", "motivation.creators", "distribution.when"}
    for name in ("datasheet.md", "datasheet.html"):
        assert render_of(record, name).count(NOT_ANSWERED) == len(unanswered)


def render_of(record, name: str) -> str:
    return (render_markdown(record) if name.endswith(".md") else render_html(record, [])).decode()


def test_charts_are_the_same_bytes_twice_and_share_no_id(record):
    first, second = charts(record), charts(record)
    assert first == second
    assert {"funnel", "reasons", "clusters", "consent", "observable", "score-0"} <= set(first)
    ids = [name for chart in first.values() for name in re.findall(r'\bid="([^"]+)"', chart.svg)]
    assert len(ids) == len(set(ids))
    for name, chart in first.items():
        for target in re.findall(r'(?:url\(#|href="#)([^")]+)', chart.svg):
            assert f'id="{target}"' in chart.svg, name


def test_the_card_is_yaml_with_what_loaders_read(finished):
    header, body = (finished.out / "README.md").read_text().removeprefix("---\n").split("---\n", 1)
    card = yaml.safe_load(header)
    assert card["license"] == "cc-by-4.0"
    assert card["pretty_name"] == "Walls & <b>doors</b>"
    assert card["configs"][0]["data_files"] == [{"split": "train", "path": "data/*.parquet"}]
    assert {"name": "image", "dtype": "image"} in card["dataset_info"]["features"]
    assert card["dataset_info"]["splits"][0]["num_examples"] == 30
    assert "<b>" not in body


def test_the_review_page_shows_markup_of_a_caption_as_text_and_covers_what_is_sensitive(finished):
    text = (finished.work / "review" / "review.html").read_text()
    elements = parsed(text)
    assert "script" not in elements.tags
    assert "the fifth hidden caption" in elements.text
    cards = [parsed(card.partition("</section>")[0]) for card in re.split(r'<div class="card', text)[1:]]
    for card in cards:
        sensitive = any(word in card.text for word in ("nsfw", "illegal", "opt_out", "taken_down", "personal_data"))
        assert ("input" in card.tags) == sensitive, card.text
        if "illegal" in card.text:
            assert "img" not in card.tags, "never copied"
    assert sum("img" in card.tags for card in cards) >= 5
    assert not (finished.work / "review").stat().st_mode & 0o077


def test_a_caption_of_a_cluster_is_escaped_on_the_review_page(finished, tmp_path):
    from pipeline.documents.pages import environment, stylesheet
    from pipeline.documents.samples import Shown

    row = {"shard": "a", "row": 0, "key": HOSTILE, "verdict": "rejected", "reasons": ["toxicity"], "flags": [], "evidence": []}
    page = environment().get_template("review.html.j2")
    hidden = Shown({**row, "flags": ["poisoning:invisible_characters"]}, caption=f"\u200b{MARKUP}", suspicion=2.0)
    shown = {"suspects": [hidden], "clusters": [], "samples": {"toxicity": [Shown(row, caption=MARKUP)]}}
    text = page.render(**shown, gone=[], style=stylesheet(), limit=300)
    assert "&lt;script&gt;alert(" in text
    assert not {"script", "img"} & set(parsed(text).tags)
