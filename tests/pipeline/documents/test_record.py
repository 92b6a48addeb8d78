"""The record: numbers that add up, nothing small about groups, and words for what did not run."""

import dataclasses
import json
import shutil
import types
from collections.abc import Iterable

import pyarrow as pa
import pytest

from pipeline.documents import people
from pipeline.documents.counts import Count
from pipeline.documents.domains import top_domains
from pipeline.documents.evidence import gather
from pipeline.documents.facts import portable
from pipeline.documents.record import build_record
from pipeline.run import reopen_run


class Lines:
    """Counts as a test sets them."""

    def __init__(self, lines: Iterable[tuple[str, Count]]) -> None:
        self.given = list(lines)

    def lines(self, metric: str) -> list[Count]:
        return [count for name, count in self.given if name == metric]

    def rows(self, metric: str) -> dict[str, int]:
        return {count.a or "-": count.rows for count in self.lines(metric)}


@dataclasses.dataclass
class Told:
    """As much evidence as the facts about groups read."""

    counts: Lines
    judged: dict
    run: types.SimpleNamespace = dataclasses.field(default_factory=lambda: types.SimpleNamespace(appended=()))


def groups_of(levels: dict[str, tuple[int, int, int]]) -> list[dict]:
    """The published table of gender: level -> (all, kept, unreadable)."""
    lines = [("group", Count("gender", level, "all", a, 0, 0.0)) for level, (a, _, _) in levels.items()]
    lines += [("group", Count("gender", level, "kept", k, 0, float(k))) for level, (_, k, _) in levels.items() if k]
    lines += [("group_reason", Count("gender", level, "unreadable", u, 0, 0.0)) for level, (_, _, u) in levels.items() if u]
    return people.groups(Told(Lines(lines), {"weights": {"levels": []}}))["value"]


def test_every_row_is_somewhere_in_the_funnel(finished):
    record = finished.document("datasheet.json")
    steps = record["funnel"]["value"]
    assert sum(step["rows"] for step in steps[:-1]) == steps[-1]["rows"] == record["totals"]["kept"]["value"] == 30
    assert record["totals"]["read"]["value"] == record["totals"]["source_rows"]["value"] == 37


def test_every_fact_says_how_it_was_come_by(finished):
    def facts(value):
        if isinstance(value, dict) and {"value", "source"} <= set(value):
            yield value
        elif isinstance(value, dict):
            for inner in value.values():
                yield from facts(inner)

    found = list(facts(finished.document("datasheet.json")))
    assert len(found) > 60
    assert all(fact["how"] and fact["source"] in ("computed", "declared", "missing") for fact in found)
    assert {fact["source"] for fact in found} == {"computed", "declared", "missing"}


def test_counts_of_one_to_nineteen_rows_of_a_group_are_not_told():
    table = {line["level"]: line for line in groups_of({"feminine": (300, 200, 0), "masculine": (400, 300, 0), "mixed": (12, 7, 0)})}
    assert table["mixed"]["suppressed"]
    assert table["mixed"]["readable"] is None
    assert table["feminine"]["suppressed"], "the total less the others would tell"
    assert table["masculine"]["readable"] == 400


def test_unreadable_rows_of_a_group_cannot_be_worked_out_from_the_audit():
    table = {line["level"]: line for line in groups_of({"feminine": (303, 200, 3), "masculine": (400, 300, 0)})}
    assert table["feminine"]["readable"] == 300


def test_a_level_whose_rows_are_all_unreadable_is_no_level():
    assert [line["level"] for line in groups_of({"feminine": (300, 200, 0), "mixed": (40, 0, 40)})] == ["feminine"]


def test_what_is_not_known_of_a_group_is_no_less_for_a_line_that_is_suppressed():
    table = groups_of({"feminine": (300, 200, 0), "masculine": (300, 100, 0), "unspecified": (100, 60, 0), "mixed": (9, 5, 0)})
    [told] = people.unknown_shares(table)["value"]
    assert told["at_least"]
    assert told["not_known"] < 109 / 709
    [told] = people.unknown_shares([line for line in table if line["level"] != "mixed" and not line["suppressed"]])["value"]
    assert not told["at_least"]


def test_suppressed_lines_of_the_audit_are_names_without_numbers():
    weights = {"audit": [{"reason": "toxicity", "attribute": "gender", "level": "mixed", "cost": None, "sole": None}], "flagged": [{}]}
    told = people.audit(Told(Lines([]), {"weights": weights}))
    line = told["lines"]["value"][0]
    assert line["suppressed"]
    assert {line[name] for name in ("rows", "removed", "rate", "q", "sole", "shapley")} == {None}
    assert told["flagged_untold"]["value"] == 1
    assert told["top"]["value"] == []


def test_consent_says_what_could_not_be_seen(finished):
    page = (finished.out / "datasheet.html").read_text()
    consent = finished.document("datasheet.json")["consent"]
    by_state = {line["state"]: line for line in consent["states"]["value"]}
    by_signal = {line["signal"]: line for line in consent["observability"]["value"]}
    assert by_signal["the page around the picture"]["not_observable"] == 1.0
    assert consent["not_observable_share"]["value"] == by_state["not_observable"]["share"]
    assert "The page around the picture: 100.0 % not observable." in page


def test_the_datasheet_says_in_words_that_no_image_model_ran(finished):
    for name in ("datasheet.html", "datasheet.md", "datasheet.json", "README.md", "eu_training_summary.json"):
        assert "No image model looked at the pictures" in (finished.out / name).read_text(), name


def test_models_and_lists_stand_with_their_hashes_and_without_folders(finished):
    record = finished.document("datasheet.json")
    rules = {rule["filter"]: rule for rule in record["filters"]["value"]}
    assert rules["opt_out"]["options"]["lists"] == ["removals.csv"]
    assert [len(found["sha256"]) for name in ("toxicity", "opt_out") for found in (*rules[name]["models"], *rules[name]["lists"])] == [
        64,
        64,
    ]
    assert rules["toxicity"]["options"]["max"] == 0.9


def test_histograms_carry_the_bound_in_force_and_leave_out_what_is_no_score(finished):
    scores = {line["score"]: line for line in finished.document("datasheet.json")["scores"]["value"]}
    assert scores["toxicity.score"]["max"] == 0.9
    assert scores["nsfw.punsafe"]["max"] == 0.5
    assert "image_quality.deviation" not in scores
    assert sum(scores["nsfw.punsafe"]["kept"]) == 30


@pytest.mark.parametrize(
    ("silenced", "alarm"),
    [
        ({"reason": "toxicity", "attribute": "language", "level": "sw", "rows": 40, "declared": False}, True),
        ({"reason": "language", "attribute": "language", "level": "sw", "rows": 40, "declared": True}, False),
    ],
)
def test_a_filter_that_removes_every_row_of_a_language_raises_an_alarm(finished, tmp_path, silenced, alarm):
    for name in ("out", "out.work"):
        shutil.copytree(finished.folder / name, tmp_path / name)
    judged = json.loads((tmp_path / "out.work" / "judged.json").read_text())
    judged["weights"]["silenced"] = [silenced]
    (tmp_path / "out.work" / "judged.json").write_text(json.dumps(judged))
    with gather(reopen_run(str(tmp_path / "out"), None)) as evidence:
        record = build_record(evidence, top_domains(evidence.counts))
    from pipeline.documents.sections import alarms

    assert alarms(record) == (("toxicity removes every readable row with language = sw.",) if alarm else ())
    assert record["alarms"]["value"][0]["level"] == "sw"
    assert "40" not in json.dumps(record["alarms"]), "a count beside others could tell a small one"


def test_problems_of_rows_are_told_without_their_details(finished):
    problems = finished.document("datasheet.json")["unreadable"]["value"]
    assert [(line["problem"], line["rows"]) for line in problems] == [("not a picture format we open", 1)]


def test_schema_conflicts_are_told(finished, tmp_path):
    from tests import builders
    from tests.pipeline.documents.conftest import pair
    from tests.runs import parquets, run_job

    for place, value in enumerate(("seven", [7])):
        rows = [pair(n + 10 * place) | {"odd": value} for n in range(3)]
        builders.write_parquet(tmp_path / "run" / "shards" / f"{place}.parquet", pa.Table.from_pylist(rows))
    out = run_job(tmp_path / "run", parquets(), documents=True).out
    columns = {line["column"]: line for line in json.loads((out / "datasheet.json").read_text())["columns"]["value"]}
    assert columns["odd"]["type"] == "string"
    assert columns["odd"]["joined_from"] == ["list<item: int64>", "string"]
    assert columns["caption"]["joined_from"] is None


def test_of_a_path_only_the_name_stays():
    assert portable(["/a/b c/d.csv", "gs://bucket/x/y.bin", "en", 3]) == ["d.csv", "y.bin", "en", 3]
