"""The questions of "Datasheets for Datasets" (Gebru et al., CACM 64(12), 2021): 57 in seven parts, each under an id of ours."""

import dataclasses
from typing import Literal

Kind = Literal["computed", "mixed", "declared"]


@dataclasses.dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
      id: key in `datasheet.answers`, e.g. `motivation.purpose`.
      kind: computed: the run answers it; mixed: the run gives facts and people may add a sentence; declared: only people can answer.
      text: the question.
    """

    id: str
    kind: Kind
    text: str

    @property
    def part(self) -> str:
        """The part of the datasheet it stands in."""
        return self.id.partition(".")[0]


PARTS = {
    "motivation": "Motivation",
    "composition": "Composition",
    "collection": "Collection process",
    "preprocessing": "Preprocessing, cleaning, labelling",
    "uses": "Uses",
    "distribution": "Distribution",
    "maintenance": "Maintenance",
}

# fmt: off
QUESTIONS: tuple[Question, ...] = (
    Question("motivation.purpose", "declared", "For what purpose was the dataset created? Was there a specific task in mind, or a specific gap that needed to be filled?"),  # noqa: E501
    Question("motivation.creators", "declared", "Who created the dataset, and on behalf of which entity?"),
    Question("motivation.funding", "declared", "Who funded the creation of the dataset?"),
    Question("motivation.other", "declared", "Any other comments?"),
    Question("composition.instances", "mixed", "What do the instances that comprise the dataset represent?"),
    Question("composition.count", "computed", "How many instances are there in total, of each type?"),
    Question("composition.sample", "mixed", "Does the dataset contain all possible instances or is it a sample of instances from a larger set? How representative is it?"),  # noqa: E501
    Question("composition.content", "computed", "What data does each instance consist of?"),
    Question("composition.label", "computed", "Is there a label or target associated with each instance?"),
    Question("composition.missing", "computed", "Is any information missing from individual instances?"),
    Question("composition.relationships", "computed", "Are relationships between individual instances made explicit?"),
    Question("composition.splits", "mixed", "Are there recommended data splits?"),
    Question("composition.errors", "computed", "Are there any errors, sources of noise, or redundancies in the dataset?"),
    Question("composition.self_contained", "mixed", "Is the dataset self-contained, or does it link to or otherwise rely on external resources?"),  # noqa: E501
    Question("composition.confidential", "mixed", "Does the dataset contain data that might be considered confidential?"),
    Question("composition.offensive", "computed", "Does the dataset contain data that, if viewed directly, might be offensive, insulting, threatening, or might otherwise cause anxiety?"),  # noqa: E501
    Question("composition.subpopulations", "mixed", "Does the dataset identify any subpopulations (by age, gender)? How are they distributed?"),  # noqa: E501
    Question("composition.identifiable", "mixed", "Is it possible to identify individuals, directly or indirectly, from the dataset?"),
    Question("composition.sensitive", "mixed", "Does the dataset contain data that might be considered sensitive in any way?"),
    Question("composition.other", "declared", "Any other comments?"),
    Question("collection.acquired", "mixed", "How was the data associated with each instance acquired?"),
    Question("collection.mechanisms", "mixed", "What mechanisms or procedures were used to collect the data, and how were they validated?"),
    Question("collection.sampling", "computed", "If the dataset is a sample from a larger set, what was the sampling strategy?"),
    Question("collection.people", "declared", "Who was involved in the data collection process, and how were they compensated?"),
    Question("collection.timeframe", "mixed", "Over what timeframe was the data collected?"),
    Question("collection.ethics", "declared", "Were any ethical review processes conducted?"),
    Question("collection.third_parties", "mixed", "Was the data collected from the individuals in question directly, or obtained via third parties or other sources?"),  # noqa: E501
    Question("collection.notified", "declared", "Were the individuals in question notified about the data collection?"),
    Question("collection.consent", "mixed", "Did the individuals in question consent to the collection and use of their data?"),
    Question("collection.revocation", "mixed", "If consent was obtained, were the individuals provided with a mechanism to revoke it?"),
    Question("collection.impact", "declared", "Has an analysis of the potential impact of the dataset and its use on data subjects been conducted?"),  # noqa: E501
    Question("collection.other", "declared", "Any other comments?"),
    Question("preprocessing.done", "computed", "Was any preprocessing, cleaning or labelling of the data done?"),
    Question("preprocessing.raw", "mixed", "Was the raw data saved in addition to the preprocessed data?"),
    Question("preprocessing.software", "computed", "Is the software that was used to preprocess, clean and label the data available?"),
    Question("preprocessing.other", "declared", "Any other comments?"),
    Question("uses.already", "declared", "Has the dataset been used for any tasks already?"),
    Question("uses.repository", "declared", "Is there a repository that links to any or all papers or systems that use the dataset?"),
    Question("uses.tasks", "declared", "What other tasks could the dataset be used for?"),
    Question("uses.impact", "mixed", "Is there anything about the composition of the dataset, or the way it was made, that might impact future uses?"),  # noqa: E501
    Question("uses.not_for", "declared", "Are there tasks for which the dataset should not be used?"),
    Question("uses.other", "declared", "Any other comments?"),
    Question("distribution.third_parties", "declared", "Will the dataset be distributed to third parties outside of the entity that made it?"),  # noqa: E501
    Question("distribution.how", "mixed", "How will the dataset be distributed? Does it have a digital object identifier?"),
    Question("distribution.when", "declared", "When will the dataset be distributed?"),
    Question("distribution.licence", "mixed", "Will the dataset be distributed under a copyright or other licence, or under terms of use?"),
    Question("distribution.ip", "mixed", "Have any third parties imposed IP-based or other restrictions on the data?"),
    Question("distribution.export", "declared", "Do any export controls or other regulatory restrictions apply to the dataset?"),
    Question("distribution.other", "declared", "Any other comments?"),
    Question("maintenance.host", "declared", "Who will be supporting, hosting and maintaining the dataset?"),
    Question("maintenance.contact", "declared", "How can the owner, curator or manager of the dataset be contacted?"),
    Question("maintenance.erratum", "mixed", "Is there an erratum?"),
    Question("maintenance.updates", "mixed", "Will the dataset be updated (to correct errors, add new instances, delete instances)?"),
    Question("maintenance.retention", "mixed", "If the dataset relates to people, are there limits on the retention of their data?"),
    Question("maintenance.versions", "mixed", "Will older versions of the dataset continue to be supported, hosted and maintained?"),
    Question("maintenance.extend", "declared", "If others want to extend, augment or contribute to the dataset, is there a mechanism for them to do so?"),  # noqa: E501
    Question("maintenance.other", "declared", "Any other comments?"),
)
# fmt: on
IDS = frozenset(question.id for question in QUESTIONS)
