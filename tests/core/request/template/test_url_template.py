"""URL templates: RFC 6570 compiled and expanded."""

import json
import re
from itertools import product
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pandas_async_io._core.errors import TemplateError
from pandas_async_io._core.request.template import url_template as template_module
from pandas_async_io._core.request.template.url_template import UrlTemplate, encode_field_name
from tests.core.request.optional_fields import optional_fields

VECTORS = Path(__file__).parents[5] / "shared" / "data" / "uritemplate-test"


def _vectors(negative):
    for path in sorted(VECTORS.glob("*.json")):
        for section, content in json.loads(path.read_text("utf-8")).items():
            variables = {unquote(name): _value(value) for name, value in content["variables"].items()}
            for number, (text, expected) in enumerate(content["testcases"]):
                if (expected is False) == negative:
                    yield pytest.param(text, variables, expected, id=f"{path.stem}-{section}-{number}")


def _value(value):
    return str(value) if isinstance(value, int | float) else value


@pytest.mark.parametrize(("text", "variables", "expected"), list(_vectors(negative=False)))
def test_the_public_vectors_expand_as_expected(text, variables, expected):
    """Every public test vector expands as expected, for one row and for a column."""
    template = UrlTemplate.compile(text)
    options = expected if isinstance(expected, list) else [expected]
    url = template.expand(variables)
    assert url in options
    columns = {field: [variables.get(field)] * 3 for field in template.fields}
    assert template.expand_columns(columns, 3) == [url] * 3


@pytest.mark.parametrize(("text", "variables", "expected"), list(_vectors(negative=True)))
def test_fault_57_the_negative_vectors_raise(text, variables, expected):
    """Every negative vector raises at compile time, or at expansion if it depends on a value."""
    assert expected is False
    with pytest.raises(TemplateError):
        UrlTemplate.compile(text).expand(variables)
    if text not in {"{keys:1}", "{+keys:1}"}:
        with pytest.raises(TemplateError, match=r"position \d+"):
            UrlTemplate.compile(text)


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("https://h/{a", 10, "brace without its other half"),
        ("https://h/a}", 11, "brace without its other half"),
        ("/{a{b}", 1, "brace without its other half"),
        ("/{{a}}", 1, "write it as %7B or %7D"),
        ("/{}", 2, "without a name"),
        ("/{?}", 3, "without a name"),
        ("/{a,}", 4, "without a name"),
        ("/{a,User ID}", 4, "written {User%20ID}"),
        ("/{default-graph}", 2, "written {default%2Dgraph}"),
        ("/{Straße}", 2, "written {Stra%C3%9Fe}"),
        ("/{a:0}", 2, ":1 to :9999"),
        ("/{=a}", 2, "reserved by RFC 6570"),
        ("/{|a}", 2, "reserved by RFC 6570"),
        ("/{%C3}", 2, "not percent-encoded UTF-8"),
        ("/a\nb", 2, "write %0A"),
        ("/100%/{a}", 4, "write %25"),
        ("/%4{a}", 1, "write %25"),
        ("/a\\b", 2, "write %5C"),
        ("/<id>", 1, "write %3C"),
        ("/\ud800", 1, "cannot stand in a URL"),
        (" /{a}", 0, "white space"),
        ("/{a}\t", 4, "white space"),
    ],
)
def test_fault_57_the_message_points_at_the_error(text, at, message):
    """It says what is wrong, where, and what to write instead."""
    with pytest.raises(TemplateError, match=re.escape(message)) as caught:
        UrlTemplate.compile(text)
    assert f"(position {at})" in str(caught.value)
    shown, caret = str(caught.value).splitlines()[1:]
    assert len(shown) == len(text) + 2
    assert caret == "  " + " " * at + "^"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ('/a b|"c"', "/a%20b%7C%22c%22"),
        ("/caf\u00e9%20%C3%A9", "/caf%C3%A9%20%C3%A9"),
        ("/-._~:/?#[]@!$&'()*+,;=", "/-._~:/?#[]@!$&'()*+,;="),
        ("", ""),
    ],
)
def test_literals_are_encoded_where_a_url_needs_it(text, url):
    """A literal keeps the characters that a URL may hold, triplets included."""
    assert UrlTemplate.compile(text).expand({}) == url
    assert UrlTemplate.compile(text).expand_columns({}, 2) == [url, url]
    assert UrlTemplate.compile(text).literal_prefix == url


def test_security_s3_the_names_of_a_dict_add_no_parameters():
    """The names of an exploded dict are encoded like values."""
    assert UrlTemplate.compile("/{?a*}").expand({"a": {"x&admin": "1=2"}}) == "/?x%26admin=1%3D2"


def test_security_s19_a_template_reads_no_attributes():
    """A name that looks like Python code is only the name of a field."""
    template = UrlTemplate.compile("/{0.__class__}")
    assert template.fields == ("0.__class__",)
    assert template.expand({"0": "x"}) == "/"
    with pytest.raises(TemplateError):
        UrlTemplate.compile("/{a[0]}")


def test_a_template_describes_its_fields():
    """Which fields it has, and how each one is used."""
    template = UrlTemplate.compile("https://h/é/{a}{/User%20ID*}{+b}{?c,d*}{&c,a}{#e}")
    assert template.fields == ("a", "User ID", "b", "c", "d", "e")
    assert template.literal_prefix == "https://h/%C3%A9/"
    assert template.path_fields == {"a", "User ID", "b"}
    assert template.exploded_fields == {"User ID", "d"}
    assert UrlTemplate.compile("{a}/x?y={b}").path_fields == {"a"}
    assert UrlTemplate.compile("{a}/x").literal_prefix == ""


@pytest.mark.parametrize("name", ["a", "User ID", "last.name", ".a", "a..b", "x-y~z", "ß", "a,b*:3{}%41", "7"])
def test_every_column_has_a_field_name(name):
    """The encoded name compiles to a field with the column's name."""
    assert UrlTemplate.compile(f"{{?{encode_field_name(name)}}}").fields == (name,)


@pytest.mark.parametrize(
    ("text", "injective"),
    [
        ("/x", True),
        ("/{a}", True),
        ("/{a}.json", True),
        ("/{a}/{b}", True),
        ("/{a}:{b}{?c}{&d,e}", True),
        ("/{a,b}", True),
        ("{/a,b}", True),
        ("/{a}{?b}&k=v{&c}", True),
        ("/{a}{b}", False),
        ("/{a}-{b}", False),
        ("/{a}é{b}", False),
        ("/{a}{.b}", False),
        ("/{+a}", False),
        ("/{#a}", False),
        ("/{;a}", False),
        ("/{a:3}", False),
        ("/{a*}", False),
        ("{&a}&{b}=1{&c}", False),
    ],
)
def test_a_template_is_injective_if_values_can_be_separated(text, injective):
    """The end of each value must be visible in the URL."""
    assert UrlTemplate.compile(text).is_injective is injective


VARIABLES = st.builds("{}{}".format, st.sampled_from("abc"), st.sampled_from(["", "", "", ":2", "*"]))
EXPRESSIONS = st.builds(
    "{{{}{}}}".format,
    st.sampled_from(["", "", "+", "#", ".", "/", ";", "?", "&"]),
    st.lists(VARIABLES, min_size=1, max_size=3).map(",".join),
)
LITERALS = st.text("/-.a?&=%é :", max_size=3).map(lambda text: f"/{text.replace('%', '%41')}/")
TEMPLATES = st.lists(st.one_of(EXPRESSIONS, LITERALS), max_size=5).map("".join)
TEXTS = st.one_of(st.text("ab1-~%2Fé/ \n", max_size=4), st.text(st.characters(exclude_categories=["Cs"]), max_size=4))
PLAIN = st.one_of(st.just("x"), TEXTS)
CELLS = st.one_of(PLAIN, PLAIN, st.none(), st.lists(TEXTS, max_size=2), st.dictionaries(TEXTS, TEXTS, max_size=2))


def _columns(cells):
    return st.integers(0, 12).flatmap(
        lambda length: st.fixed_dictionaries(
            {}, optional={name: st.lists(cells, min_size=length, max_size=length) for name in "abc"}
        ).map(lambda columns: (columns, length))
    )


@pytest.mark.parametrize("block", [5, 50_000])
@given(text=TEMPLATES, table=st.one_of(_columns(CELLS), _columns(PLAIN)))
def test_columns_expand_like_their_rows(block, text, table):
    """Expanding columns gives the same URLs and errors as `expand` for each row, across blocks."""
    template, (columns, length) = UrlTemplate.compile(text), table
    rows = [{name: column[at] for name, column in columns.items()} for at in range(length)]
    try:
        expected = [template.expand(row) for row in rows]
    except TemplateError:
        expected = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(template_module, "_BLOCK_ROWS", block)
        if expected is None:
            with pytest.raises(TemplateError):
                template.expand_columns(columns, length)
        else:
            assert template.expand_columns(columns, length) == expected


@given(text=TEMPLATES, row=st.fixed_dictionaries(dict.fromkeys("abc", CELLS)))
def test_security_s3_a_value_adds_no_delimiter(text, row):
    """A URL holds only legal characters, and a value without an operator adds no delimiter."""
    template = UrlTemplate.compile(text)
    assume(not any(v.prefix for part in template.expressions for v in part.variables))
    assert re.fullmatch(r"(?:[\w.~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", template.expand(row), re.ASCII)
    alone = UrlTemplate.compile("/{a}").expand({"a": row["a"]})
    if isinstance(row["a"], str):
        assert unquote(alone) == "/" + row["a"]
        assert re.fullmatch(r"/(?:[\w.~-]|%[0-9A-F]{2})*", alone, re.ASCII)


PARTS = [
    "{a}",
    "{b}",
    "{?a}",
    "{?b,c}",
    "{&a}",
    "{&c}",
    "{/a,b}",
    "{.b}",
    "{;c}",
    "/",
    "a",
    "&",
    "&a=",
    "=b",
    "-",
]


@given(text=st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("".join))
@example(text="{&a}&{b}=b{&c}")
def test_an_injective_template_gives_distinct_urls(text):
    """Distinct rows have distinct URLs, also with missing optional values."""
    template = UrlTemplate.compile(text)
    assume(template.is_injective)
    cells = [
        ["", "a", "b", "c", "b-", "&", *[None] * (field in optional_fields(template))] for field in template.fields
    ]
    rows = list(product(*cells))
    columns = dict(zip(template.fields, zip(*rows, strict=True), strict=True))
    assert len(set(template.expand_columns(columns, len(rows)))) == len(rows)
