"""``read_api``: a template and its values, or a list of URLs, becomes one frame."""

import asyncio

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import pandas_async_io as paio
from pandas_async_io.demo.data import post, user


@pytest.fixture(scope="module")
def api():
    """Run the sample API for this module."""
    with paio.demo.serve() as url:
        yield url


@pytest.fixture(autouse=True)
def clear_log(api):
    """Clear the log of the server."""
    api.clear()


def test_over_reads_ten_pages_in_one_line(api):
    """In the order of the pages, after their page number, under a RangeIndex."""
    posts = pd.read_api(api + "/posts?_page={page}&_limit=10", over={"page": range(1, 11)})
    expected = pd.DataFrame([post(key) for key in range(1, 101)])
    expected.insert(0, "page", np.arange(1, 11).repeat(10))
    assert_frame_equal(posts, expected, check_index_type="exact")
    assert isinstance(posts.index, pd.RangeIndex)
    assert len(api.log) == 10


def test_several_fields_are_requested_in_the_order_of_their_product(api):
    """The last field varies fastest; a field with one value need not be in the request."""
    over = {"id": [2, 1], "tag": ["x", "y"], "source": ["api"]}
    found = pd.read_api(api + "/users/{id}?tag={tag}", over=over, columns=["name"])
    assert found["source"].tolist() == ["api"] * 4
    assert found[["id", "tag"]].to_numpy().tolist() == [[2, "x"], [2, "y"], [1, "x"], [1, "y"]]
    assert found["name"].tolist() == [user(key)["name"] for key in (2, 2, 1, 1)]
    assert len(api.log) == 4


def test_fault_58_a_record_column_with_the_name_of_a_field_gets_the_suffix(api):
    """The columns of over= come first."""
    found = pd.read_api(api + "/users/{id}", over={"id": [2]}, columns=["id", "name"])
    assert found.columns.tolist() == ["id", "id_api", "name"]
    assert pd.read_api(api + "/users/{id}", over={"id": [2]}, columns=["id"], suffix="_r").columns.tolist() == [
        "id",
        "id_r",
    ]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2], "int64"),
        (range(1, 3), "int64"),
        ((key for key in (1, 2)), "int64"),
        (np.array([1, 2], np.int8), "int8"),
        (pd.array([1, 2], "Int64"), "Int64"),
        (pd.Series([1, 2], index=[7, 7], dtype="int64[pyarrow]"), "int64[pyarrow]"),
        (pd.Categorical([1, 2]), "category"),
        (pd.Index([1.0, 2.0]), "float64"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_the_values_of_over_keep_their_dtype(api, values, dtype):
    """In any container."""
    found = pd.read_api(api + "/users/{id}", over={"id": values}, columns=["name"])
    assert str(found["id"].dtype) == dtype
    assert found["name"].tolist() == [user(1)["name"], user(2)["name"]]


def test_without_values_nothing_is_sent(api):
    """An empty list of values or of URLs gives an empty frame with the known columns."""
    empty = pd.read_api(api + "/users/{id}", over={"id": [], "k": [1]})
    assert (empty.columns.tolist(), len(empty)) == (["id", "k"], 0)
    assert pd.read_api([]).shape == (0, 0)
    assert not api.log


def test_a_list_of_urls_is_read_in_order_and_each_url_once(api):
    """A repeated URL repeats its records; a null has none."""
    urls = [f"{api}/users/{key}" for key in (3, 1, 3)]
    found = pd.read_api([*urls, None], columns=["id"])
    assert found["id"].tolist() == [3, 1, 3]
    assert isinstance(found.index, pd.RangeIndex)
    assert len(api.log) == 2
    assert pd.read_api(iter(urls), columns=["id"])["id"].tolist() == [3, 1, 3]


def test_a_url_without_fields_is_read_once(api):
    """It is a template without fields."""
    assert pd.read_api(api + "/users/1", columns=["id"])["id"].tolist() == [1]
    assert pd.read_api("/users/1", client=paio.Client(api), columns=["id"])["id"].tolist() == [1]


def test_a_complete_column_has_the_dtype_of_json_normalize(api):
    """An incomplete one is nullable."""
    complete = pd.read_api(api + "/users/{key}", over={"key": [1, 2]}, max_level=0)
    expected = pd.json_normalize([user(1), user(2)], max_level=0)
    assert_frame_equal(complete.drop(columns="key"), expected)
    mixed = pd.read_api([api + "/users/1", api + "/posts/1"], columns=["id", "userId", "active"])
    assert mixed.dtypes.astype(str).tolist() == ["int64", "Int64", "boolean"]


def test_a_failed_request_raises_after_the_run(api):
    """The exception has the records of the other requests; errors="coerce" warns instead."""
    urls = [api + "/users/1", api + "/users/0", api + "/users/2"]
    with pytest.raises(paio.FetchError, match="1 of 3 rows failed: 1 x HTTP 404") as caught:
        pd.read_api(urls)
    assert caught.value.partial["id"].tolist() == [1, 2]
    assert caught.value.failures["row"].tolist() == [1]
    with pytest.warns(paio.FetchWarning, match="1 of 3 rows failed") as warned:
        found = pd.read_api(urls, errors="coerce")
    assert found["id"].tolist() == [1, 2]
    assert warned[0].filename == __file__
    assert found.aio.outcomes["outcome"].tolist() == ["ok", "http_error", "ok"]


@pytest.mark.parametrize(
    ("url", "options", "error", "message"),
    [
        ("{api}/users/{id}", {}, paio.UnknownFieldError, r"\{id\}"),
        ("{api}/users/{id}", {"over": {"idd": [1]}}, paio.UnknownFieldError, r"nearest: \{idd\}"),
        ("{api}/users/{id}", {"over": {"id": "12"}}, paio.PlanError, r"write \['12'\]"),
        ("{api}/users/{id}", {"over": {"id": 12}}, paio.PlanError, r"write \[12\]"),
        ("{api}/users/{id}", {"over": [1, 2]}, paio.PlanError, "mapping of fields"),
        (["{api}"], {"over": {"id": [1]}}, paio.PlanError, "a list of URLs has no fields"),
        (["{api}"], {"params": {"a": 1}}, paio.PlanError, "whole URLs"),
        ("/users/1", {}, paio.TemplateError, "relative URL"),
        ("", {}, paio.TemplateError, "empty"),
        (7, {}, TypeError, "not int"),
        (b"http://x", {}, TypeError, "not bytes"),
        ("{api}", {"ovr": {}}, TypeError, "nearest: 'over'"),
        ("{api}", {"how": "left"}, TypeError, "unexpected option 'how'"),
    ],
)
def test_fault_57_an_invalid_call_raises_before_a_request_is_sent(api, url, options, error, message):
    """The message says what to write."""
    given = (
        [one.replace("{api}", api) for one in url]
        if isinstance(url, list)
        else url.replace("{api}", api)
        if isinstance(url, str)
        else url
    )
    with pytest.raises(error, match=message):
        pd.read_api(given, **options)
    assert not api.log


def test_an_async_read_gives_the_same_frame(api):
    """As result(), awaited, or used as a frame; two at a time."""
    url = api + "/posts?_page={page}"
    expected = pd.read_api(url, over={"page": [1, 2]})

    async def both():
        return await asyncio.gather(*(pd.read_api_async(url, over={"page": [1, 2]}) for _ in range(2)))

    assert_frame_equal(pd.read_api_async(url, over={"page": [1, 2]}).result(), expected)
    for found in asyncio.run(both()):
        assert_frame_equal(found, expected)
    assert pd.read_api_async(url, over={"page": [1, 2]}).shape == expected.shape


def test_pandas_and_the_package_have_the_same_function():
    """paio.read_api is the spelling for typed code."""
    assert pd.read_api is paio.read_api
    assert pd.read_api_async is paio.read_api_async
