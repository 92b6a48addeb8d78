"""Renders the datasheet as Markdown: the same sections, for people who read it beside the code."""

import re
from collections.abc import Sequence
from typing import Any

from pipeline.documents.record import title_of
from pipeline.documents.sections import alarms, key_figures, sections
from pipeline.documents.view import Section, Table

_SPECIAL = re.compile(r"([\\`*_\[\]|#~])")


def render_markdown(record: dict[str, Any]) -> bytes:
    """The file `datasheet.md`."""
    dataset = record["dataset"]
    lines = [f"# {escape(title_of(record))}", "", "Datasheet, computed from the run that made the data.", ""]
    if dataset["description"]["value"]:
        lines += [escape(dataset["description"]["value"]), ""]
    lines += [*(f"* **{value}** {what}" for value, what in key_figures(record)), ""]
    lines += [line for alarm in alarms(record) for line in (f"> **Alarm:** {escape(alarm)}", "")]
    lines += [*declared_table(record), ""]
    for section in sections(record):
        lines += _section(section)
    lines += ["## Questions", "", "From Gebru et al., Datasheets for Datasets (CACM 64(12), 2021).", ""]
    part = ""
    for answer in record["questions"]:
        if answer["part"] != part:
            part = answer["part"]
            lines += [f"### {part}", ""]
        text = escape(answer["text"]) if answer["answered"] else f"**{answer['text']}** (`datasheet.answers.{answer['id']}`)"
        lines += [f"**{escape(answer['question'])}**", "", text, ""]
    return "\n".join(lines).encode()


def escape(text: str) -> str:
    r"""Text that Markdown shows as it is, on one line: no markup, no HTML.

    >>> print(escape("<script>|*a*"))
    &lt;script&gt;\|\*a\*
    """
    plain = " ".join(str(text).split())
    return _SPECIAL.sub(r"\\\1", plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def declared_table(record: dict[str, Any]) -> list[str]:
    """What the job declares of the dataset, as lines."""
    rows = []
    for name, fact in record["dataset"].items():
        value = fact["value"]
        told = ", ".join(value) if isinstance(value, list) else value
        rows.append((name, "**NOT DECLARED**" if value is None else escape(told)))
    return _lines(("", "declared"), (False, False), rows)


def _section(section: Section) -> list[str]:
    lines = [f"## {section.title}", ""]
    if len(section.paragraphs) > 3:
        lines += [*(f"* {escape(text)}" for text in section.paragraphs), ""]
    else:
        lines += [line for text in section.paragraphs for line in (escape(text), "")]
    for table in section.tables:
        if table.rows:
            lines += _table(table)
    return lines


def _table(table: Table) -> list[str]:
    heads = table.heads
    lines = [f"### {escape(table.title)}", "", *_lines([text for text, _ in heads], [flush for _, flush in heads],
                                                         [[escape(cell) for cell in row] for row in table.rows]), ""]  # fmt: skip
    return [*lines, f"_{escape(table.note)}_", ""] if table.note else lines


def _lines(heads: Sequence[str], numbers: Sequence[bool], rows: Sequence[Sequence[str]]) -> list[str]:
    line = "| " + " | ".join("{}" for _ in heads) + " |"
    return [line.format(*heads), line.format(*("---:" if flush else "---" for flush in numbers)), *(line.format(*row) for row in rows)]
