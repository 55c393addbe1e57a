"""Credentials are made of texts that are not empty."""

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.credentials import Auth, api_key, as_auth, basic, bearer
from tests.ids import stable

NO_TEXTS = [None, 7, float("nan"), b"token", pd.NA, pd.NaT, True, ["token"], object(), np.int64(7), pd.Series(["t"])]
EMPTY = ["", " ", "\t", "s3cret\n", "s3cret\r\nX: y", "\0", "\ud800"]
MAKERS = {
    "Bearer": bearer,
    "Basic user": lambda value: basic(value, "password"),
    "Basic password": lambda value: basic("user", value),
    "ApiKey": api_key,
    "ApiKey in a header": lambda value: api_key(value, header="X-Key"),
    "ApiKey in the query": lambda value: api_key(value, param="key"),
    "ApiKey param": lambda value: api_key("s3cret", param=value),
    "ApiKey header": lambda value: api_key("s3cret", header=value),
    "Auth params": lambda value: Auth(params={"key": value}),
    "Auth headers": lambda value: Auth({"Authorization": value}),
}
ALLOWED = {
    ("Basic user", "''"),
    ("Basic password", "''"),
    ("ApiKey param", "None"),
    *(("Auth headers", blank) for blank in ("''", "' '", r"'\t'")),
}
"""Valid credentials: one part of `Basic` may be empty, and so may a header."""


@pytest.mark.parametrize(
    ("maker", "value"),
    [(maker, value) for maker in MAKERS for value in [*NO_TEXTS, *EMPTY] if (maker, repr(value)) not in ALLOWED],
    ids=stable,
)
def test_a_credential_that_is_no_text_or_empty_raises(maker, value):
    """The word None is never sent. The message holds nothing of the value."""
    with pytest.raises(PlanError) as caught:
        MAKERS[maker](value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["", " ", "s3cret\n", ("", ""), (None, None), ("user", None), (None, "p"), 7, object()]
)
def test_the_option_auth_takes_no_empty_credential(value):
    """An environment variable that is not set is a mistake, not an empty token."""
    with pytest.raises(PlanError):
        as_auth(value)
    with pytest.raises(PlanError):
        paio.Client("https://api.example.com", auth=value)


def test_one_part_of_a_basic_credential_may_be_empty():
    """Some APIs take a token as the user, others as the password."""
    assert basic("t", "").headers["Authorization"] == "Basic dDo="
    assert basic("", "t").headers["Authorization"] == "Basic OnQ="


def test_a_user_with_a_colon_raises():
    """The server would take the rest of the user for the password (RFC 7617)."""
    with pytest.raises(PlanError, match="colon"):
        basic("a:b", "c")
    assert basic("a", "b:c").headers["Authorization"] == "Basic YTpiOmM="


def test_a_subclass_of_str_is_a_text():
    """A text of numpy is one."""
    assert bearer(np.str_("t")).headers == {"Authorization": "Bearer t"}


@pytest.mark.parametrize("token", ["Bearer s3cret", "bearer  s3cret", "Basic czM=", "Token s3cret", " Bearer s3cret"])
def test_a_bearer_token_that_begins_with_a_scheme_raises(token):
    """The scheme is put before it; the message does not show the token."""
    with pytest.raises(PlanError, match="pass the token without its scheme") as caught:
        paio.Client("https://api.example.com", auth=token)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("maker", [name for name in MAKERS if not name.startswith("Auth")])
def test_a_credential_that_holds_a_field_raises(maker):
    """It would be sent as it is written, for every row; the message does not show it."""
    with pytest.raises(PlanError, match="for a value per row write headers=") as caught:
        MAKERS[maker]("{s3cret}")
    assert "s3cret" not in str(caught.value)


def test_a_client_header_that_holds_a_field_raises():
    """The fields of a call are in the call's own headers=."""
    with pytest.raises(PlanError, match=r"X-API-Key.*holds a name in braces") as caught:
        paio.Client("https://api.example.com", headers={"X-API-Key": "{s3cret}"})
    assert "s3cret" not in str(caught.value)


def test_braces_that_are_no_field_belong_to_a_credential():
    """A name in braces is written with two of each."""
    assert bearer("a{{b}}c{d").headers == {"Authorization": "Bearer a{b}c{d"}
    assert paio.Client("https://e.com", headers={"X": "{{b}}"}).headers == {"X": "{b}"}
