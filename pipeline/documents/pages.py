"""What all our HTML pages share: templates that escape everything, and the style."""

import functools

import jinja2
from markupsafe import Markup


@functools.cache
def environment() -> jinja2.Environment:
    """Templates of the package; everything is escaped, an unknown name is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.documents", "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def stylesheet() -> Markup:
    """The style that all our pages share, for a `style` element."""
    source, _, _ = environment().loader.get_source(environment(), "page.css")  # type: ignore[union-attr]
    return Markup(source)  # noqa: S704 - our own file
