"""The part of the world a host's country-code domain speaks for: a subregion of UN M49, or `unknown`.

Country codes are those of IANA's root zone; subregions are those of the United Nations Statistics Division, "Standard country or area
codes for statistical use (M49)". Codes that M49 does not list stand where their country does (Taiwan: Eastern Asia).
"""

import functools

UNKNOWN = "unknown"

SUBREGIONS = {
    "Northern Africa": "dz eg eh ly ma sd tn الجزائر مصر المغرب سودان تونس",
    "Eastern Africa": "bi dj er et io ke km mg mu mw mz re rw sc so ss tf tz ug yt zm zw",
    "Middle Africa": "ao cd cf cg cm ga gq st td",
    "Southern Africa": "bw ls na sz za",
    "Western Africa": "ac bf bj ci cv gh gm gn gw lr ml mr ne ng sh sl sn tg موريتانيا",
    "Caribbean": "ag ai aw bb bl bq bs cu cw dm do gd gp ht jm kn ky lc mf mq ms pr sx tc tt vc vg vi",
    "Central America": "bz cr gt hn mx ni pa sv",
    "South America": "ar bo br bv cl co ec fk gf gs gy pe py sr uy ve",
    "Northern America": "bm ca gl pm us",
    "Central Asia": "kg kz tj tm uz қаз",
    "Eastern Asia": "cn hk jp kp kr mn mo tw 中国 中國 香港 澳門 台湾 台灣 한국 мон",
    "South-eastern Asia": "bn id kh la mm my ph sg th tl vn ไทย ລາວ 新加坡 சிங்கப்பூர் مليسيا",
    "Southern Asia": "af bd bt in ir lk mv np pk भारत বাংলা ভারত ভাৰত இந்தியா భారత్ ಭಾರತ ഭാരതം ભારત ਭਾਰਤ ଭାରତ بھارت ලංකා இலங்கை ایران پاکستان",
    "Western Asia": "ae am az bh cy ge iq il jo kw lb om ps qa sa sy tr ye "
    "გე հայ ישראל امارات عراق الاردن عمان فلسطين قطر السعودية سورية اليمن البحرين",
    "Eastern Europe": "bg by cz hu md pl ro ru sk ua рф укр бел бг",
    "Northern Europe": "ax dk ee fi fo gb gg ie im is je lt lv no se sj uk",
    "Southern Europe": "ad al ba es gi gr hr it me mk mt pt rs si sm va срб мкд ελ",
    "Western Europe": "at be ch de fr li lu mc nl",
    "Australia and New Zealand": "au cc cx hm nf nz",
    "Melanesia": "fj nc pg sb vu",
    "Micronesia": "fm gu ki mh mp nr pw",
    "Polynesia": "as ck nu pf pn tk to tv wf ws",
    "Antarctica": "aq",
}

# Country codes sold as if they were generic: where the registrant sits says nothing. The first line is the list that Google Search
# treats so ("Managing multi-regional sites"); the second are registries that have marketed theirs world-wide or gave names away.
_GENERIC = """ad ai as bz cc cd co dj fm io la me ms nu sc sr su tv tk ws
 ac ag am cf cx ga gg gl gq gs im lc ly ml pw sh st sx tm to vc vg"""
GENERIC = frozenset(_GENERIC.split())


@functools.cache
def _subregion_by_label() -> dict[str, str]:
    """Last label of a host, as Unicode and in its ASCII form, to subregion."""
    table = {}
    for subregion, labels in SUBREGIONS.items():
        for label in labels.split():
            if label not in GENERIC:
                table[label] = table[label.encode("idna").decode("ascii")] = subregion
    return table


@functools.lru_cache(maxsize=1 << 16)
def region_of(host: str | None) -> str:
    """Names the UN subregion of a host's country-code domain.

    Generic domains, country codes used as generic ones, addresses and absent hosts are `unknown`: nothing is guessed.

    >>> region_of("www.example.co.uk"), region_of("xn--e1afmkfd.xn--p1ai"), region_of("example.io"), region_of("192.0.2.1"), region_of(None)
    ('Northern Europe', 'Eastern Europe', 'unknown', 'unknown', 'unknown')
    """
    if not host:
        return UNKNOWN
    return _subregion_by_label().get(host.rstrip(".").rsplit(".", 1)[-1].lower(), UNKNOWN)
