"""Renders the datasheet as one page that needs nothing else: style, charts and pictures stand in it."""

from typing import Any

from markupsafe import Markup

from pipeline.documents.charts import charts
from pipeline.documents.pages import environment, stylesheet
from pipeline.documents.record import title_of
from pipeline.documents.sections import alarms, key_figures, sections
from pipeline.documents.thumbnails import Thumbnail


def render_html(record: dict[str, Any], pictures: list[Thumbnail]) -> bytes:
    """The file `datasheet.html`."""
    drawn = {name: (chart.title, Markup(chart.svg)) for name, chart in charts(record).items()}  # noqa: S704 - matplotlib escapes its texts
    page = environment().get_template("datasheet.html.j2")
    text = page.render(
        record=record, title=title_of(record), figures=key_figures(record), alarms=alarms(record), sections=sections(record), charts=drawn,
        pictures=pictures, style=stylesheet(), parts=_by_part(record),
    )  # fmt: skip
    return text.encode()


def _by_part(record: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    parts: dict[str, list[dict[str, Any]]] = {}
    for answer in record["questions"]:
        parts.setdefault(answer["part"], []).append(answer)
    return parts
