"""The endpoints with users and posts."""

from __future__ import annotations

import pytest

from pandas_async_io.demo import data, serve
from tests.demo.client import links, send


def test_a_user_depends_on_id_and_seed_only(base_url):
    """The endpoint returns the nested record that `data.user` generates."""
    response = send(base_url, "/users/1")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.json == data.user(1)
    assert {type(response.json["address"]["geo"][axis]) for axis in ("lat", "lng")} == {float}
    assert 240 < len(response.body) < 330
    with serve(seed=7) as other:
        assert send(other, "/users/1").json == data.user(1, seed=7) != data.user(1)


@pytest.mark.parametrize(
    "target", ["/users/0", "/users/1001", "/users/x", "/users/01", "/users/1.0", "/posts/101", "/nowhere"]
)
def test_an_unknown_id_or_path_is_a_404(base_url, target):
    """The error body is JSON with a message."""
    response = send(base_url, target)
    assert response.status == 404
    assert response.json["error"]["message"]


def test_a_wrong_method_is_a_405_with_allow(base_url):
    """The JSON error keeps the Allow header."""
    response = send(base_url, "/users/1", "DELETE")
    assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")
    assert response.json["error"]["message"]


@pytest.mark.parametrize("query", ["ids=3&ids=1&ids=9999", "ids=3,1,9999", "ids=3,1&ids=1", "ids=,3,,1"])
def test_users_are_listed_by_ids(base_url, query):
    """Both spellings of a list return the known users once, in the order of the ids."""
    assert [user["id"] for user in send(base_url, f"/users?{query}").json] == [3, 1]


def test_posts_are_paged_by_ten(base_url):
    """A page has the total in X-Total-Count and its neighbours in Link."""
    response = send(base_url, "/posts?_page=2")
    assert [post["id"] for post in response.json] == list(range(11, 21))
    assert set(response.json[0]) == {"userId", "id", "title", "body"}
    assert response.headers["X-Total-Count"] == "100"
    assert links(response) == {
        rel: f"{base_url}/posts?_page={number}"
        for rel, number in [("first", 1), ("prev", 1), ("next", 3), ("last", 10)]
    }


@pytest.mark.parametrize(
    ("page", "rels", "length"),
    [
        (1, {"first", "next", "last"}, 30),
        (4, {"first", "prev", "last"}, 10),
        (9, {"first", "prev", "last"}, 0),
    ],
)
def test_the_first_and_last_page_have_no_prev_or_next(base_url, page, rels, length):
    """A page after the last one is an empty list."""
    response = send(base_url, f"/posts?_page={page}&_limit=30")
    assert len(response.json) == length
    assert set(links(response)) == rels


def test_the_next_link_keeps_the_other_parameters(base_url):
    """Following next returns every post of the user once; the filter and the size stay, percent-encoded."""
    url, ids = f"{base_url}/posts?userId=3&_limit=4&note=a%26b%3E", []
    while url:
        response = send(base_url, url.removeprefix(base_url))
        ids += [post["id"] for post in response.json]
        url = links(response).get("next")
        assert url is None or "note=a%26b%3E" in url
    assert ids == list(range(21, 31))
    assert response.headers["X-Total-Count"] == "10"


@pytest.mark.parametrize(("token", "status"), [("fresh", 200), ("expired", 401)])
def test_private_users_need_the_token(base_url, token, status):
    """A wrong token is a 401."""
    reply = send(base_url, "/private/1", headers={"Authorization": f"Bearer {token}"})
    assert reply.status == status


def test_users_are_paged(base_url):
    """Without ids, users are paged as posts are."""
    response = send(base_url, "/users?_page=10&_limit=100")
    assert [user["id"] for user in response.json] == list(range(901, 1001))
    assert "next" not in links(response)


@pytest.mark.parametrize(("user_id", "count"), [("1", 10), ("10", 10), ("11", 0), ("x", 0)])
def test_posts_of_a_user_are_a_list(base_url, user_id, count):
    """The first ten users have ten posts each; the others have an empty list."""
    posts = send(base_url, f"/users/{user_id}/posts").json
    assert [str(post["userId"]) for post in posts] == [user_id] * count


def test_a_post_is_returned_by_id(base_url):
    """It equals the record on its page."""
    assert send(base_url, "/posts/11").json == data.post(11) == send(base_url, "/posts?_page=2").json[0]


def test_search_matches_names_and_cities_case_insensitively(base_url):
    """`count` is the number of all matches; `limit` shortens the items."""
    found = send(base_url, "/search?q=Z%C3%9CRICH").json["data"]
    assert found["count"] == len(found["items"]) > 50
    assert {user["address"]["city"] for user in found["items"]} == {"Zürich"}
    assert "Ada" in send(base_url, "/search?q=ada").json["data"]["items"][0]["name"]
    cut = send(base_url, "/search?q=z%C3%BCrich&limit=2").json["data"]
    assert cut == {"items": found["items"][:2], "count": found["count"]}
    assert send(base_url, "/search?q=nobody").json == {"data": {"items": [], "count": 0}}


def test_a_posted_user_gets_an_id_and_is_not_kept():
    """POST returns the object with the next id; a body that is no JSON object is a 400."""
    with serve() as sample_api:
        first, second = (send(sample_api, "/users", "POST", b'{"name":"A","id":5}') for _ in range(2))
        assert (first.status, first.json) == (201, {"name": "A", "id": 1001})
        assert second.json["id"] == 1002
        assert send(sample_api, "/users/1001").status == 404
        assert [send(sample_api, "/users", "POST", body).status for body in (b"{", b"[1]", b"")] == [400] * 3


def test_the_export_is_csv_with_semicolons_and_decimal_commas(base_url):
    """It has one line for each user, or as many as `limit` says."""
    response = send(base_url, "/export/zip-codes.csv?limit=2")
    assert response.headers["Content-Type"].startswith("text/csv")
    assert response.body.decode().splitlines()[0] == "zip;score"
    assert len(response.body.splitlines()) == 3
