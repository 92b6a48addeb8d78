"""Patterns of paths and the choice among rules are RFC 9309's, and another implementation's where that is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from transforms.consent.path_patterns import PathRules, covers, path_of, plain

# Without `?`, `$` in the middle and escapes, whose octets protego counts otherwise.
PATTERNS = st.text("ab/.*", max_size=6).map(lambda text: f"/{text}") | st.text("ab/*", max_size=4).map(lambda text: f"/{text}$")


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("/foo/bar?baz=https%3a%2f%2ffoo.bar", "/foo/bar?baz=https://foo.bar"),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%e3%83%84", "/foo/bar/ツ"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"),
        ("/path/foo-%24", "/path/foo-$"),
        ("/a,b", "/a%2Cb"),
    ],
)
def test_two_spellings_of_one_path_are_equal(rule: str, url: str) -> None:
    """RFC 9309, the tables of sections 2.2.2 and 2.2.3."""
    assert covers(f"{rule}$", path_of(f"https://a.example{url}"))


@pytest.mark.parametrize(
    ("rule", "url"),
    [("/a%2Fb", "/a/b"), ("/a%2Ab", "/axb"), ("/a%24", "/a"), ("/a$b", "/a"), ("/a", "/A"), ("a", "/a"), ("/%", "/~"), ("/a%3Fb", "/a?b")],
)
def test_what_is_another_path_is_not_covered(rule: str, url: str) -> None:
    assert not covers(rule, path_of(f"https://a.example{url}"))


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ([("/example/page/", True), ("/example/page/disallowed.gif", False)], "/example/page/disallowed.gif", False),
        ([("/*.jpg", True), ("/*?id=", False)], "/1.jpg?id=2", True),  # as long: the least restrictive
        ([("/a?b", False), ("/a*b", True)], "/a?b", True),
        ([("/p", True), ("/p", False)], "/p", True),
        ([("/%62ar", False), ("/b", True)], "/bar", False),  # octets of the path that is meant
        ([("/", False), ("/$", True)], "/", True),
        ([("/", False), ("/$", True)], "/1.jpg", False),
        ([("", False)], "/1.jpg", True),
        ([("https://a.example/", False), ("pics/", False)], "/pics/1.jpg", True),  # no path: no rule
        ([("*", False)], "/1.jpg", False),
        ([("/", False)], "/robots.txt", True),
    ],
)
def test_the_longest_rule_decides_and_allow_where_two_are_as_long(rules: list[tuple[str, bool]], path: str, allowed: bool) -> None:
    """RFC 9309, section 2.2.2."""
    assert PathRules(rules).allow(path) is allowed
    assert PathRules(reversed(rules)).allow(path) is allowed


@given(st.lists(st.tuples(PATTERNS, st.booleans()), max_size=6), st.text("ab/.", max_size=8))
def test_rules_without_escapes_and_queries_are_protegos(rules: list[tuple[str, bool]], rest: str) -> None:
    lines = "\n".join(f"{'allow' if allows else 'disallow'}: {pattern}" for pattern, allows in rules)
    theirs = Protego.parse(f"user-agent: *\n{lines}").can_fetch(f"https://a.example/{rest}", "x")
    assert PathRules(rules).allow(path_of(f"https://a.example/{rest}")) is theirs


@given(st.text(max_size=40))
def test_a_spelling_is_its_own_spelling(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    path = path_of(f"https://a.example/{text}")
    assert path_of(f"https://a.example{path}") == path
