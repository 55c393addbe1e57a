"""Secrets in the environment: read when they are sent, shown nowhere."""

from __future__ import annotations

import pickle

import pandas as pd
import pytest

import pandas_async_io as paio

SECRET = "canary-5ecret-value"


@pytest.mark.parametrize(
    ("auth", "header", "sent"),
    [
        (paio.env("K_TOKEN"), "Authorization", f"Bearer {SECRET}"),
        (paio.Bearer(paio.env("K_TOKEN")), "Authorization", f"Bearer {SECRET}"),
        (paio.ApiKey(paio.env("K_TOKEN")), "X-API-Key", SECRET),
        (("me", paio.env("K_TOKEN")), "Authorization", "Basic bWU6Y2FuYXJ5LTVlY3JldC12YWx1ZQ=="),
    ],
    ids=["token", "bearer", "api key", "basic"],
)
def test_the_secret_is_read_when_it_is_sent_and_shown_nowhere(monkeypatch, auth, header, sent):
    """A client that was made and pickled before the variable was set sends its text, and holds it nowhere."""
    client = paio.Client("https://api.example.com", auth=auth)
    monkeypatch.setenv("K_TOKEN", SECRET)
    texts = [repr(client), str(client), repr(auth), str(auth), pickle.dumps(client).decode("latin-1")]
    assert client.credentials_for(client.origin, None)[0] == {header: sent}
    assert [text for text in texts if SECRET in text] == []


def test_a_variable_that_is_not_set_is_said_before_the_first_request(monkeypatch):
    """The name is in the message."""
    monkeypatch.delenv("K_TOKEN", raising=False)
    client = paio.Client("https://api.example.com", auth=paio.env("K_TOKEN"))
    with pytest.raises(paio.PlanError, match=r"env\('K_TOKEN'\): the environment variable is not set"):
        pd.DataFrame({"id": [1]}).aio.fetch("/users/{id}", client=client)


def test_a_secret_in_the_environment_is_redacted_in_messages(monkeypatch):
    """A plan shows *** in its place."""
    monkeypatch.setenv("K_TOKEN", SECRET)
    client = paio.Client("https://api.example.com", auth=paio.ApiKey(paio.env("K_TOKEN"), param="key"))
    assert SECRET not in repr(pd.DataFrame({"id": [1]}).aio.plan("/users/{id}", client=client))


@pytest.mark.parametrize("name", ["", "A=B", None, 3])
def test_a_name_that_no_variable_can_have_is_refused(name):
    """The message shows the form."""
    with pytest.raises(paio.PlanError, match="name of an environment variable"):
        paio.env(name)
