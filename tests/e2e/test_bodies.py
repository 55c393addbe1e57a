"""Bodies as servers send them: empty, of several kinds, with odd encodings and numbers."""

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import Action, serve_script


def respond(body, head="HTTP/1.1 200 OK\r\nContent-Type: application/json"):
    """Write a response that ends with its connection."""
    return f"{head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("empty", None),
        ("no-content", None),
        ("null", None),
        ("list", {"id": [1, 2]}),
        ("scalar", {"value": [42]}),
        ("bom", {"id": [1]}),
        ("latin1", {"name": ["José"]}),
    ],
)
def test_fault_20_21_26_28_bodies_become_records(api, kind, expected):
    found = pd.DataFrame({"key": ["k"]}).aio.fetch(api + "/bytes/" + kind)
    assert found.aio.outcomes["outcome"].tolist() == ["ok"]
    assert found.drop(columns="key").to_dict("list") == (expected or {})
    assert found["key"].tolist() == ["k"] * len(found)


def test_fault_22_nan_is_a_float_and_strict_json_refuses_it(api):
    frame = pd.DataFrame({"key": ["k"]})
    assert frame.aio.fetch(api + "/bytes/nan")["value"].isna().tolist() == [True]
    with pytest.raises(paio.FetchError, match="NaN"):
        frame.aio.fetch("/bytes/nan", client=paio.Client(api, strict_json=True), errors="raise")


def test_fault_23_integers_stay_exact():
    """Integers of 54, 64 and 71 bits."""
    numbers = [2**53 + 1, 2**63, 2**70]
    with serve_script([respond(b'{"a": %d, "b": %d, "c": %d}' % tuple(numbers)), Action.CLOSE]) as server:
        found = pd.DataFrame({"key": [1]}).aio.fetch(server.url + "/{key}")
    assert [int(found[name].iloc[0]) for name in "abc"] == numbers
    assert str(found["a"].dtype) == "Int64"


def test_fault_28_responses_of_different_kinds_share_one_frame(api):
    """An object, a list, a scalar and null give the union of their columns."""
    frame = pd.DataFrame({"kind": ["scalar", "list", "null", "bom"]})
    found = frame.aio.fetch(api + "/bytes/{kind}")
    assert found["kind"].tolist() == ["scalar", "list", "list", "null", "bom"]
    assert [None if pd.isna(one) else one for one in found["id"]] == [None, 1, 2, None, 1]
    assert [None if pd.isna(one) else one for one in found["value"]] == [42, None, None, None, None]


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.0 200 OK\r\nContent-Type: application/json",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nKeep-Alive: timeout=100",
    ],
    ids=["HTTP/1.0", "103", "Keep-Alive header"],
)
def test_fault_72_old_protocols_and_interim_responses_are_understood(head):
    with serve_script([respond(b'{"a": 1}', head), Action.CLOSE]) as server:
        found = pd.DataFrame({"id": [1, 2, 3]}).aio.fetch(server.url + "/{id}")
    assert found["a"].tolist() == [1, 1, 1]
