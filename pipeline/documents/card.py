"""Renders the dataset card: README.md with the header that loaders and hubs read."""

from typing import Any

import yaml

from pipeline.documents.evidence import Evidence
from pipeline.documents.features import features
from pipeline.documents.markdown import escape
from pipeline.documents.questions import answer_to
from pipeline.documents.record import title_of
from pipeline.documents.revision import WEIGHTS, sentence
from pipeline.documents.sections import alarms, key_figures

_BANDS = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"), (10**8, "10M<n<100M"),
          (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"), (10**12, "100B<n<1T"))  # fmt: skip
_FILES = (
    "datasheet.html",
    "datasheet.md",
    "datasheet.json",
    "croissant.json",
    "eu_training_summary.json",
    "top_domains.csv",
    "attribution.parquet",
    "manifest.json",
)
NOTHING_KEPT = (
    "This run kept no row. The data files hold the columns and no row, so loaders find nothing to read: "
    "`datasets.load_dataset` ends with an "
    "error, DuckDB and pyarrow give an empty table. The datasheet says why every row was removed."
)


def render_card(record: dict[str, Any], evidence: Evidence) -> bytes:
    """The file `README.md`."""
    header = yaml.safe_dump(_header(record, evidence), sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{header}---\n\n{_body(record)}".encode()


def size_category(rows: int) -> str:
    """The hub's name for a number of rows.

    >>> size_category(439), size_category(10**12)
    ('n<1K', 'n>1T')
    """
    return next((name for bound, name in _BANDS if rows < bound), "n>1T")


def _header(record: dict[str, Any], evidence: Evidence) -> dict[str, Any]:
    kept, dataset = record["totals"]["kept"]["value"], record["dataset"]
    header: dict[str, Any] = {"pretty_name": title_of(record)}
    licence = dataset["licence"]["value"]
    if licence:
        header |= {"license": "other", "license_link": licence} if "://" in licence else {"license": licence.lower()}
    languages = [label for label in record["languages"]["value"] if label.isalpha()]
    if languages:
        header |= {"language": languages, "multilinguality": ["monolingual" if len(languages) == 1 else "multilingual"]}
    header |= {
        "size_categories": [size_category(kept)],
        "annotations_creators": ["no-annotation"],
        "language_creators": ["found"],
        "source_datasets": ["original"],
        "tags": ["image-text", "winnow"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}],
        "dataset_info": {"features": features(evidence.schema.schema), "splits": [
            {"name": "train", "num_bytes": record["totals"]["data_bytes"]["value"], "num_examples": kept}]},
    }  # fmt: skip
    return header


def _body(record: dict[str, Any]) -> str:
    dataset = record["dataset"]
    lines = [f"# {escape(title_of(record))}", ""]
    lines += [escape(dataset["description"]["value"] or answer_to(record, "composition.instances")), ""]
    if not record["totals"]["kept"]["value"]:
        lines += [f"**{escape(NOTHING_KEPT)}**", ""]
    if record["revision"]["value"] is not None:
        lines += [f"{escape(sentence(record['revision']['value']))} {escape(WEIGHTS)}", ""]
    lines += [f"* **{value}** {what}" for value, what in key_figures(record)]
    lines += ["", *(line for alarm in alarms(record) for line in (f"> **Alarm:** {escape(alarm)}", ""))]
    links = [f"[{name}]({name})" for name in _FILES]
    lines += [
        f"The whole account is in {links[0]}; {', '.join(links[1:-1])} come from the same record. Hashes of all files: {links[-1]}.", "",
        "## Use", "", "```python", "import datasets", "", 'pairs = datasets.load_dataset("path/to/this/folder", split="train")', "```", "",
        "Sample rows by the column `weight` to balance groups; a mean over rows ignores it.", "",
        "## Columns", "", "| column | type | nulls | meaning |", "| --- | --- | ---: | --- |",
    ]  # fmt: skip
    lines += [
        f"| {escape(c['column'])} | {escape(c['type'])} | {c['nulls']:,} | {escape(c['meaning'])} |" for c in record["columns"]["value"]
    ]
    for head, ids in _CHAPTERS:
        lines += ["", f"## {head}", ""]
        lines += [line for name in ids for line in (escape(answer_to(record, name)), "")]
        lines.pop()
    lines += ["", "## What this run cannot see", "", *(f"* {escape(text)}" for text in record["limits"]["value"]), ""]
    return "\n".join(lines)


_CHAPTERS = (
    ("Made from", ("composition.sample", "collection.acquired", "preprocessing.done")),
    ("Consent", ("collection.consent", "collection.revocation")),
    ("Personal and sensitive information", ("composition.confidential", "composition.identifiable", "composition.offensive")),
    ("Groups and weights", ("composition.subpopulations", "collection.sampling", "uses.impact")),
    ("Uses it is not for", ("uses.not_for",)),
    ("Licence", ("distribution.licence",)),
    ("Attribution", ("distribution.ip",)),
    ("Contact", ("maintenance.contact",)),
)
