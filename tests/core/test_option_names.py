"""What is said about a keyword argument that a function does not have."""

import copy
import inspect
import pickle

import pandas as pd
import pytest

import pandas_async_io as paio

URL = "https://api.example.com/users/{id}"
FRAME = pd.DataFrame({"id": [1]})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("max_workers", "nearest: 'concurrency'"),
        ("workers", "nearest: 'concurrency'"),
        ("n_jobs", "nearest: 'concurrency'"),
        ("limit", r"params=\{'limit': …\}, or pages='auto' and max_pages="),
        ("page_size", r"params=\{'page_size': …\}"),
        ("verify", r"client=Client\(ssl='ca.pem'\)"),
        ("proxies", r"client=Client\(proxy="),
        ("trust_env", r"client=Client\(proxy="),
        ("http2", "HTTP/1.1"),
        ("cookies", r"client=Client\(headers=\{'Cookie'"),
        ("allow_redirects", r"client=Client\(follow='any'\)"),
        ("max_body", r"client=Client\(max_body=…\)"),
        ("body", "nearest: 'json'"),
        ("payload", "nearest: 'json'"),
        ("dtype", "nearest: 'schema'"),
        ("retries", "nearest: 'retry'"),
        ("max_retries", "nearest: 'retry'"),
        ("token", "nearest: 'auth'"),
        ("api_key", "nearest: 'auth'"),
        ("bearer", "nearest: 'auth'"),
        ("qps", "nearest: 'rate'"),
        ("cache", "nearest: 'store'"),
        ("url", "nearest: 'url_template'"),
        ("Concurency", "nearest: 'concurrency'"),
        ("zzz", "its options: url_template, method"),
    ],
)
def test_the_name_of_another_library_is_explained(name, hint):
    with pytest.raises(TypeError, match=rf"fetch\(\) got an unexpected option '{name}'; .*{hint}") as caught:
        FRAME.aio.fetch(URL, **{name: 1})
    assert "self" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: paio.Client(token="x"), r"Client\(\) got an unexpected option 'token'; nearest: 'auth'"),
        (lambda: paio.Client(rate_limit="1/s"), r"Client\(\) got .* nearest: 'rate'"),
        (lambda: paio.Client(verify=False), r"Client\(\) got .* nearest: 'ssl', as ssl='ca.pem'"),
        (lambda: paio.Client("https://e.com", "s3cret"), r"Client\(\) takes its options by name"),
        (lambda: paio.Retry(max_attempts=2), r"Retry\(\) got .* nearest: 'attempts'"),
        (lambda: paio.Retry(backoff_factor=2), r"Retry\(\) got .* nearest: 'base'"),
        (lambda: paio.Retry(2), r"Retry\(\) takes its options by name: write attempts=2"),
        (lambda: paio.Rate(20, pre=1), r"Rate\(\) got .* nearest: 'per'"),
        (paio.Rate, r"Rate\(\) needs "),
        (lambda: paio.Poll(sttus="state"), r"Poll\(\) got .* nearest: 'status'"),
        (lambda: paio.PageNumber(parm="page"), r"PageNumber\(\) got .* nearest: 'param'"),
        (lambda: paio.Offset(parm="offset"), r"Offset\(\) got .* nearest: 'param'"),
        (lambda: paio.NextUrl(pth="next"), r"NextUrl\(\) got .* nearest: 'path'"),
        (lambda: paio.Cursor(pth="next"), r"Cursor\(\) got .* nearest: 'path'"),
        (lambda: paio.ApiKey("k", heeder="X"), r"ApiKey\(\) got .* nearest: 'header'"),
        (lambda: FRAME.aio.fetch(URL, ["name"]), r"fetch\(\) takes its options by name: write columns=\['name'\]"),
        (FRAME.aio.fetch, r"fetch\(\) needs url_template"),
        (pd.read_api, r"read_api\(\) needs url"),
    ],
)
def test_each_constructor_and_function_names_the_nearest_option(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_the_signature_of_a_class_is_kept():
    """Also its copies."""
    assert list(inspect.signature(paio.Client).parameters)[:2] == ["base_url", "headers"]
    assert next(iter(inspect.signature(paio.Retry).parameters)) == "attempts"
    retry = paio.Retry(attempts=2)
    assert pickle.loads(pickle.dumps(retry)) == copy.copy(retry) == retry
