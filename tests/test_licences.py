"""Licences by their many names: what is one gets its identifier, what is none or several gets nothing."""

import time

import pytest

from transforms.licences import spdx, terms

NAMES = {
    "CC-BY-4.0": (
        "https://creativecommons.org/licenses/by/4.0/", "http://creativecommons.org/licenses/by/4.0/deed.de", "CC BY 4.0", "cc-by-4.0",
        "CC_BY_4.0", "ccby4.0", "Creative Commons Attribution 4.0 International", "https://spdx.org/licenses/CC-BY-4.0.html",
        "This work is licensed under a Creative Commons Attribution 4.0 International License.", "CC-BY-4.0, Jo", "CC BY v4.0",
    ),
    "CC-BY-NC-SA-2.0": ("//creativecommons.org/licenses/by-nc-sa/2.0/", "CC BY-NC-SA 2.0", "by-nc-sa 2.0"),
    "CC-BY-NC-ND-3.0": (
        "Creative Commons Attribution-Non-Commercial-No Derivative Works 3.0 Unported License", "CC Attribution-NonCommercial-NoDerivs 3.0",
        "http://creativecommons.org/licenses/by-nd-nc/3.0/legalcode",
    ),
    "CC-BY-3.0-US": ("http://creativecommons.org/licenses/by/3.0/us/", "CC BY 3.0 US"),
    "LicenseRef-CC-BY-2.0-FR": ("http://creativecommons.org/licenses/by/2.0/fr/deed.fr", "CC BY 2.0 FR"),
    "LicenseRef-CC-BY": ("CC BY", "cc-by", "Attribution License"),
    "LicenseRef-CC-BY-NC-SA": ("Attribution-NonCommercial-ShareAlike License", "cc by nc sa"),
    "CC0-1.0": (
        "CC0", "cc-zero", "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "https://creativecommons.org/publicdomain/zero/1.0/",
    ),
    "CC-PDM-1.0": ("Public Domain Mark 1.0", "PDM", "http://creativecommons.org/publicdomain/mark/1.0/"),
    "CC-PDDC": ("http://creativecommons.org/licenses/publicdomain/",),
    "LicenseRef-public-domain": ("Public domain", "public-domain", "PD", "PD-old-100", "PD-US"),
    "OGL-UK-3.0": (
        "http://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/", "ogl-uk-3.0", "Open Government Licence v3.0", "OGL 3",
    ),
    "MIT": ("mit", "https://opensource.org/licenses/MIT"),
    "Apache-2.0": ("Apache License, Version 2.0", "apache 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    "ODbL-1.0": ("ODbL", "https://opendatacommons.org/licenses/odbl/1-0/", "Open Data Commons Open Database License v1.0"),
    "LAL-1.3": ("Free Art License 1.3", "https://artlibre.org/licence/lal/en/"),
    "LicenseRef-Unsplash": ("https://unsplash.com/license", "the Unsplash license"),
    "LicenseRef-Pexels": ("https://www.pexels.com/license/", "Pexels License", "https://www.pexels.com/photo-license/"),
    "LicenseRef-Pixabay": ("https://pixabay.com/service/license-summary/", "Pixabay Content License", "https://pixabay.com/de/service/license/"),
    "LicenseRef-US-government-work": ("United States Government Work", "https://www.usa.gov/government-works", "US government work"),
    "LicenseRef-no-known-copyright-restrictions": ("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    "LicenseRef-RightsStatements-NoC-US": ("http://rightsstatements.org/vocab/NoC-US/1.0/", "rightsstatements.org/page/noc-us/1.0/?a=b"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in NAMES.items() for text in texts])
def test_every_spelling_of_a_licence_has_one_name(name, text):
    assert spdx(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "", "All rights reserved", "by John Smith", "© 2019 SA Photo", "Attribution", "https://www.gettyimages.com/eula",
        "creative commons", "Unsplash", "CC-BY-4.0 OR MIT", "http://creativecommons.org/licenses/sampling+/1.0/",
        "not licensed under CC BY 4.0", "CC BY 4.0 and CC0",
        "http://creativecommons.org/licenses/by/4.0/ http://creativecommons.org/licenses/by-nc/4.0/",
    ],
)  # fmt: skip
def test_no_licence_is_made_up_and_none_chosen_among_several(text):
    assert spdx(text) is None


def test_what_a_licence_asks_is_read_from_its_name():
    assert [terms(name) for name in ("CC-BY-NC-SA-3.0-DE", "CC0-1.0", "BSD-3-Clause")] == [("BY", "NC", "SA"), (), ()]


@pytest.mark.parametrize(
    "piece", ["cc", "by-", "cc-by ", "-", "and ", "cc(", "attribution ", "creativecommons.org/licenses/by-", "no deriv "]
)
def test_a_long_text_takes_no_longer_than_its_length_says(piece):
    start = time.process_time()
    spdx("cc by " + piece * 4_000)
    assert time.process_time() - start < 0.5
