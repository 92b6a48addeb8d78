"""The review page, for the team's own eyes: what is suspect, a few clusters of duplicates, what was removed for each reason. Private."""

from pipeline.documents.evidence import Evidence
from pipeline.documents.pages import environment, stylesheet
from pipeline.documents.samples import CAPTION, pick, pick_suspects, read_shown
from schemas.layout import join
from transforms.storage import make_private, sweep, write_bytes


def write_review(evidence: Evidence) -> None:
    """Writes `review.html` into the private folder `work/review/`."""
    run = evidence.run
    clusters, samples = pick(run)
    suspects = pick_suspects(run, evidence.judged["suspects"])
    gone = read_shown(run, [shown for group in (suspects, *clusters, *samples.values()) for shown in group])
    page = environment().get_template("review.html.j2")
    text = page.render(suspects=suspects, clusters=clusters, samples=samples, gone=gone, style=stylesheet(), limit=CAPTION)
    make_private(run.layout.work)
    make_private(run.layout.review)
    sweep(run.layout.review)
    write_bytes(join(run.layout.review, "review.html"), text.encode())
