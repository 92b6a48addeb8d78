"""Charts of the record as inline SVG: the same record gives the same bytes."""

import contextlib
import dataclasses
import functools
import html
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

Record = dict[str, Any]

KEPT, REMOVED, BEFORE, ACCENT, MUTED = "#2a6f5e", "#c9683e", "#9db4c0", "#3a5a98", "#b9bec5"
MAX_BARS = 14
WIDTH = 5.0  # inches: about 480 px, two beside each other on a wide page, one on a telephone
# fmt: off
_STYLE = {
    "svg.hashsalt": "winnow", "svg.fonttype": "none", "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#c4c9cf", "axes.linewidth": 0.8, "text.color": "#2b2f36",
    "axes.labelcolor": "#5b626c", "xtick.color": "#5b626c", "ytick.color": "#2b2f36", "xtick.labelsize": 8, "ytick.labelsize": 8.5,
    "axes.grid": True, "axes.grid.axis": "x",
    "grid.color": "#eceef1", "grid.linewidth": 0.8, "axes.axisbelow": True, "legend.frameon": False, "legend.fontsize": 8,
    "text.parse_math": False, "ytick.major.size": 0, "figure.constrained_layout.use": True,
}
# fmt: on
_PROLOG = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r' (?:width|height)="[\d.]+pt"')
_ID = re.compile(r'\bid="([^"]+)"')
_REFERENCE = re.compile(r'(url\(#|href="#)([^")]+)')


@dataclasses.dataclass(frozen=True)
class Chart:
    """A title, and the SVG element below it."""

    title: str
    svg: str


def charts(record: Record) -> dict[str, Chart]:
    """Charts by name. Those of what did not occur are left out."""
    found: dict[str, Chart] = {}
    for name, title, draw in _all(record):
        with mpl.rc_context(_STYLE):
            found[name] = Chart(title, _svg(name, title, draw))
    return found


def _all(record: Record) -> Iterator[tuple[str, str, Callable[[], Figure]]]:
    yield "funnel", "Rows, from source to release", lambda: _funnel(record)
    if record["reasons"]["value"]:
        yield "reasons", "Rows per reason", lambda: _reasons(record)
    if any(record["duplicates"][f"{kind}_clusters"]["value"] for kind in ("image", "caption")):
        yield "clusters", "Clusters by number of rows", lambda: _clusters(record)
    yield "consent", "Consent, rows by state", lambda: _consent(record)
    yield "observable", "Could a signal have been seen? % of rows read", lambda: _observable(record)
    shown = [line for line in record["groups"]["value"] if not line["suppressed"]]
    for attribute in dict.fromkeys(line["attribute"] for line in shown):
        lines = [line for line in shown if line["attribute"] == attribute]
        yield f"group-{attribute}", f"{attribute.capitalize()}, % of readable, kept and weighted rows", functools.partial(_group, lines)
    for place, score in enumerate(record["scores"]["value"]):
        yield f"score-{place}", f"{score['score']}, rows by score", functools.partial(_score, score)


def _bars(bars: int) -> tuple[Figure, Any]:
    figure = Figure(figsize=(WIDTH, 0.75 + 0.27 * max(bars, 2)))
    axes = figure.add_subplot()
    axes.xaxis.set_major_formatter(_thousands)
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(5))
    return figure, axes


def _thousands(value: float, _: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"


def _funnel(record: Record) -> Figure:
    steps = record["funnel"]["value"]
    figure, axes = _bars(len(steps))
    left = steps[0]["rows"]
    for place, step in enumerate(steps):
        whole = step["step"] in ("read", "kept")
        if whole:
            axes.barh(place, step["rows"], color=KEPT if step["step"] == "kept" else BEFORE, height=0.7)
            end = step["rows"]
        else:
            axes.barh(place, -step["rows"], left=left + step["rows"], color=REMOVED, height=0.7)
            end, left = left, left + step["rows"]
        axes.annotate(
            f"{step['rows']:,}", (end, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8, color="#5b626c"
        )
    axes.margins(x=0.14)
    axes.set_xlim(0)
    return _listed(figure, axes, [step["step"] for step in steps])


def _reasons(record: Record) -> Figure:
    lines = sorted(record["reasons"]["value"], key=lambda line: -line["rows"])[:MAX_BARS]
    figure, axes = _bars(len(lines) + 1)
    sole = [line["sole"] for line in lines]
    axes.barh(range(len(lines)), sole, color=REMOVED, height=0.7, label="the only reason")
    axes.barh(range(len(lines)), [n["rows"] - n["sole"] for n in lines], left=sole, color="#e8b89f", height=0.7, label="beside others")
    _legend(figure)
    return _listed(figure, axes, [line["reason"] for line in lines])


def _clusters(record: Record) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.6))
    axes = figure.add_subplot()
    axes.grid(visible=False, axis="x")
    axes.grid(visible=True, axis="y")
    found = {k: {line["size"]: line["clusters"] for line in record["duplicates"][f"{k}_clusters"]["value"]} for k in ("image", "caption")}
    sizes = sorted({size for sizes in found.values() for size in sizes})
    edges = [size for size in sizes if size <= 8]
    names = [str(size) for size in edges] + (["9 and more"] if len(edges) < len(sizes) else [])
    for shift, (kind, color) in zip((-0.2, 0.2), (("image", ACCENT), ("caption", BEFORE)), strict=True):
        heights = [found[kind].get(size, 0) for size in edges]
        if len(names) > len(edges):
            heights.append(sum(number for size, number in found[kind].items() if size > 8))
        axes.bar([place + shift for place in range(len(names))], heights, width=0.38, color=color, label=f"{kind} clusters")
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("rows in the cluster")
    axes.yaxis.set_major_formatter(_thousands)
    axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(5, integer=True))
    _legend(figure)
    return figure


def _consent(record: Record) -> Figure:
    lines = record["consent"]["states"]["value"]
    figure, axes = _bars(len(lines) + 1)
    kept = [line["kept"] for line in lines]
    axes.barh(range(len(lines)), kept, color=KEPT, height=0.7, label="kept")
    axes.barh(range(len(lines)), [line["rows"] - line["kept"] for line in lines], left=kept, color=REMOVED, height=0.7, label="removed")
    _legend(figure)
    return _listed(figure, axes, [line["state"].replace("_", " ") for line in lines])


def _observable(record: Record) -> Figure:
    lines = record["consent"]["observability"]["value"]
    figure, axes = _bars(len(lines) + 1)
    seen = [100 * (line["observable"] or 0) for line in lines]
    axes.barh(range(len(lines)), seen, color=ACCENT, height=0.7, label="observable")
    axes.barh(range(len(lines)), [100 - share for share in seen], left=seen, color="#e4e7eb", height=0.7, label="not observable")
    axes.set_xlim(0, 100)
    _legend(figure)
    return _listed(figure, axes, [line["signal"].partition(" (")[0] for line in lines])


def _group(lines: Sequence[dict[str, Any]]) -> Figure:
    shown = sorted(lines, key=lambda line: -line["readable"])[:MAX_BARS]
    figure, axes = _bars(2 * len(shown) + 1)
    series = (("readable_share", "readable", BEFORE), ("kept_share", "kept", KEPT), ("weighted_share", "weighted", ACCENT))
    for shift, (key, label, color) in zip((-0.26, 0, 0.26), series, strict=True):
        places = [place + shift for place in range(len(shown))]
        axes.barh(places, [100 * (line[key] or 0) for line in shown], height=0.25, color=color, label=label)
    _legend(figure)
    return _listed(figure, axes, [line["level"].replace("_", " ") for line in shown])


def _score(score: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.6))
    axes = figure.add_subplot()
    axes.grid(visible=False, axis="x")
    axes.grid(visible=True, axis="y")
    step = 1 / score["bins"]
    middles = [(place + 0.5) * step for place in range(score["bins"])]
    axes.bar(middles, score["kept"], width=0.9 * step, color=KEPT, label="kept")
    axes.bar(middles, score["removed"], bottom=score["kept"], width=0.9 * step, color=REMOVED, label="removed, for any reason")
    for bound, told in (("min", "least"), ("max", "greatest")):
        if score[bound] is not None:
            axes.axvline(score[bound], color="#2b2f36", linewidth=1.2, linestyle="--", label=f"{told} kept: {score[bound]:g}")
    axes.set_xlim(0, 1)
    axes.yaxis.set_major_formatter(_thousands)
    axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(5, integer=True))
    _legend(figure)
    return figure


def _legend(figure: Figure) -> None:
    figure.legend(loc="outside lower left", ncols=3, handlelength=1.2, columnspacing=1.4)


def _listed(figure: Figure, axes: Any, names: Sequence[str]) -> Figure:
    axes.set_yticks(range(len(names)), [name if len(name) < 34 else f"{name[:32]}…" for name in names])
    axes.invert_yaxis()
    axes.spines["left"].set_visible(False)
    return figure


def _svg(name: str, title: str, draw: Callable[[], Figure]) -> str:
    """A figure as an SVG element whose ids do not clash with those of others on the page."""
    figure = draw()
    FigureCanvasSVG(figure)
    with contextlib.closing(io.StringIO()) as target:
        figure.savefig(target, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        text = target.getvalue()
    text = _METADATA.sub("", _PROLOG.sub("", text))
    text = _ID.sub(rf'id="{name}-\1"', text)
    text = _REFERENCE.sub(rf"\g<1>{name}-\2", text)
    opening, rest = text.split(">", 1)
    return f'{_SIZE.sub("", opening)} role="img" aria-label="{html.escape(title)}">{rest}'.strip()
