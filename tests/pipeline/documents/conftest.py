"""One small run with a case of everything that documents speak of, shared by the tests that only look at it."""

import dataclasses
import hashlib
import json
import pathlib
from typing import Any

import pytest

from tests import builders
from tests.runs import rows_of, run_job, tars

MARKUP = "<script>alert('gotcha')</script> on a red wall in the old town"
JOB = {
    "filters": {"opt_out": {"lists": ["removals.csv"]}},
    "datasheet": {
        "title": "Walls & <b>doors</b>", "licence": "CC-BY-4.0", "creators": ["A Team"], "date": "2026-01-02", "url": "https://walls.example/",
        "answers": {"motivation.purpose": "To test | documents <i>carefully</i>."},
    },
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Finished:
    """A finished run: its folder, and by name the rows that must not be found again in the release."""

    folder: pathlib.Path
    hidden: dict[str, dict[str, Any]]

    @property
    def out(self) -> pathlib.Path:
        return self.folder / "out"

    @property
    def work(self) -> pathlib.Path:
        return self.folder / "out.work"

    def document(self, name: str) -> Any:
        """A JSON document of the release."""
        return json.loads((self.out / name).read_text(encoding="utf-8"))

    def ledger(self) -> list[dict[str, Any]]:
        """All ledger rows."""
        return rows_of(self.work / "ledger")


def pair(number: int, **changed: Any) -> dict[str, Any]:
    """A sample that every filter keeps."""
    return builders.sample(number, jpg=builders.jpeg(256, 224, seed=number), width=256, height=224) | changed


def hidden_rows() -> dict[str, dict[str, Any]]:
    """Rows that go for reasons nobody may be told by name."""
    return {
        "illegal": pair(101, caption="the first hidden caption of five in all"),
        "taken_down": pair(102, caption="the second hidden caption of five in all"),
        "opt_out": pair(103, caption="the third hidden caption of five in all", http_headers='{"X-Robots-Tag": "noai"}'),
        "personal_data": pair(104, caption="the fourth hidden caption, card 4111 1111 1111 1111 on it"),
        "nsfw": pair(105, caption="the fifth hidden caption of five in all", punsafe=0.99),
    }


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Finished:
    """30 good pairs, copies, an unreadable one, a caption with markup, and the hidden rows; the second shard keeps nothing."""
    folder = tmp_path_factory.mktemp("documents")
    hidden = hidden_rows()
    rows = [pair(number) for number in range(30)]
    rows[7]["caption"] = MARKUP
    rows += [pair(40, jpg=rows[3]["jpg"], caption="the same picture again under other words"), pair(41, jpg=b"no picture at all")]
    for place, name, licence in ((4, "Jo Example", "CC BY 4.0"), (5, "Jo Example", None), (6, None, "cc-by-nc-4.0")):
        rows[place] |= {"creator": name, "license": licence}
    for row in [*rows, *hidden.values()]:
        row.setdefault("http_headers", None)
        row.setdefault("punsafe", 0.01)
    builders.write_webdataset(folder / "shards", [*rows, *hidden.values()], per_shard=len(rows))
    removals = [
        f"sha256,{hashlib.sha256(hidden['illegal']['jpg']).hexdigest()},illegal",
        f"url,{hidden['taken_down']['url']},taken_down",
    ]
    (folder / "removals.csv").write_text("\n".join(["kind,value,reason", *removals]) + "\n")
    run_job(folder, tars(JOB), documents=True)
    return Finished(folder, hidden)
