"""Which elements of an XML document are its records, if the user does not say it."""

from __future__ import annotations

import pytest

from pandas_async_io._core.body.xml.parse import parse_xml
from pandas_async_io._core.table.records.records import extract_records
from pandas_async_io._core.table.records.shape import Shape

ATOM = "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><link rel='next' href='/2'/>%s</feed>"
SOAP = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header/><s:Body>%s</s:Body></s:Envelope>"


@pytest.mark.parametrize(
    ("text", "records"),
    [
        (ATOM % "<entry><id>1</id></entry><entry><id>2</id></entry>", [{"id": "1"}, {"id": "2"}]),
        (ATOM % "<entry><id>1</id></entry>", [{"id": "1"}]),
        (ATOM % "", []),
        ("<rss><channel><title>T</title><item><a>1</a></item><item><a>2</a></item></channel></rss>", 2),
        ("<rss><channel><title>T</title><item><a>1</a></item></channel></rss>", [{"a": "1"}]),
        ("<rss><channel><title>T</title></channel></rss>", []),
        ("<R:RDF xmlns:R='urn:rdf'><channel><title>T</title></channel><item><a>1</a></item></R:RDF>", [{"a": "1"}]),
    ],
)
def test_the_entries_of_a_feed_are_its_records(text, records):
    """Its own title is none, and a feed with one entry has one record."""
    found = extract_records(parse_xml(text), Shape())
    assert found == records if isinstance(records, list) else len(found) == records


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("<us n='2'><u><id>1</id></u><u><id>2</id></u></us>", [{"id": "1"}, {"id": "2"}]),
        ("<us n='1'><u><id>1</id><t>a</t></u></us>", [{"id": "1", "t": "a"}]),
        ("<us><u id='1'/></us>", [{"id": "1"}]),
        ("<us><u id='1'>a</u></us>", [{"id": "1", "u": "a"}]),
        ("<us><u id='1'>a</u><u id='2'/></us>", [{"id": "1", "u": "a"}, {"id": "2"}]),
        ("<us><u>1</u><u>2</u></us>", [{"u": "1"}, {"u": "2"}]),
        ("<us><u>1</u></us>", [{"u": "1"}]),
    ],
)
def test_the_children_of_a_root_that_have_one_name_are_records(text, records):
    """As for pandas.read_xml, also if there is one."""
    assert extract_records(parse_xml(text), Shape()) == records


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("<user><id>1</id><phone><n>2</n></phone><phone><n>3</n></phone></user>", {"id", "phone"}),
        ("<user><id>1</id><name>x</name></user>", {"id", "name"}),
        ("<user id='1'/>", {"id"}),
        ("<error>quota</error>", {"error"}),
        ("<feed><title>no news</title><url>x</url></feed>", {"title", "url"}),
    ],
)
def test_any_other_document_is_one_record(text, record):
    """A list in it is a cell, as in JSON: no field is lost."""
    (found,) = extract_records(parse_xml(text), Shape())
    assert set(found) == record


@pytest.mark.parametrize(
    ("body", "records"),
    [
        ("<m:R xmlns:m='u'><m:V>1</m:V><m:W>2</m:W></m:R>", [{"V": "1", "W": "2"}]),
        ("<Rs><R><V>1</V></R><R><V>2</V></R></Rs>", [{"V": "1"}, {"V": "2"}]),
        ("<V>1</V>", [{"V": "1"}]),
        ("", []),
    ],
)
def test_a_soap_envelope_is_read_from_the_element_in_its_body(body, records):
    """Header and envelope are no record."""
    assert extract_records(parse_xml(SOAP % body), Shape()) == records


def test_record_path_takes_one_element_and_several():
    """Also where they hold a text only."""
    for tags in ("<t>a</t>", "<t>a</t><t>b</t>"):
        found = extract_records(parse_xml(f"<r><ts>{tags}</ts><n/></r>"), Shape(("ts", "t")))
        assert [record["t"] for record in found] == ["a", "b"][: len(found)]
