"""Values that are never sent."""

import pytest

from pandas_async_io._core.security.unsafe_values import find_dot_segments, is_forbidden_in_url


@pytest.mark.parametrize("slash", ["/", "%2f", "%2F", "%5C", "%252F", "%25255c"])
@pytest.mark.parametrize("segment", [".", "..", "%2e", ".%2E", "%2e%2E", "%252e%252e", "%25252E."])
def test_security_s1_dot_segments_are_found_in_any_encoding(slash, segment):
    """A server that decodes a path up to three times meets no dot segment."""
    urls = [
        f"http://h.example/a{slash}{segment}",
        f"http://h.example/{segment}{slash}b",
        f"http://h.example/{segment}?x",
    ]
    assert find_dot_segments([*urls, "http://h.example/a"]) == [0, 1, 2]


@pytest.mark.parametrize("semicolon", [";", ";x=1", "%3B", "%3bx", "%253B"])
@pytest.mark.parametrize("segment", [".", "..", "%2e.", "%252e%252e"])
def test_security_s1_a_dot_segment_may_have_a_parameter(semicolon, segment):
    """Java servers remove the parameter and then read the dots."""
    urls = [f"http://h.example/a/{segment}{semicolon}{rest}" for rest in ("", "/b", "?q", "%2Fb")]
    assert find_dot_segments([*urls, f"http://h.example/a{semicolon}{segment}x/b"]) == [0, 1, 2, 3]


def test_security_s1_other_dots_are_allowed():
    """Names with dots, three dots and dots in a query are data."""
    urls = ["/a.b", "/...", "/.a", "/a.", "/..a", "/a?q=/../", "/a?q=%2F..%2F", "/1.5", "/...;", "/a;..", "/.a;"]
    assert find_dot_segments([f"http://h.example{url}" for url in urls]) == []


@pytest.mark.parametrize("value", ["\r\n", "a\0", "\t", "\x7f", "\x85", "\ud800"])
def test_security_s4_control_characters_are_forbidden_in_a_url(value):
    """C0, DEL, C1 and lone surrogates are refused."""
    assert is_forbidden_in_url(f"a{value}b")
    assert not is_forbidden_in_url("a b/é😀\u2028")
