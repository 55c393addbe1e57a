"""``df.aio`` and ``s.aio``: registration beside other packages, signatures and arguments."""

import inspect
import subprocess
import sys
import textwrap

import pandas as pd
import pytest

import pandas_async_io as paio

URL = "https://api.example.com/users/{id}"


def run_program(program):
    """Run a program in an interpreter of its own, warnings as errors; return the lines it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.stdout.split("\n")[:-1]


OTHER_PACKAGE = """
    import importlib
    import pandas as pd

    def say(call):
        try:
            print(call())
        except AttributeError as error:
            print(error)

    def register_other(name="aio"):
        class Other:
            def __init__(self, rows):
                self.rows = rows
            def embed(self):
                return f"embed {len(self.rows)}"
            def fetch(self):
                return "theirs"
            @property
            def broken(self):
                raise AttributeError("broken inside")
        pd.api.extensions.register_dataframe_accessor(name)(Other)
        pd.api.extensions.register_series_accessor(name)(Other)

"""


@pytest.mark.slow
def test_attributes_of_an_earlier_accessor_stay_available():
    """Another package registered first: our attributes win, its others are found, and no warning is shown."""
    lines = run_program(
        OTHER_PACKAGE
        + """
    register_other()
    import pandas_async_io as paio
    frame = pd.DataFrame({"id": [1, 2]})
    say(lambda: frame.aio.embed())
    say(lambda: frame["id"].aio.embed())
    say(lambda: frame.aio.plan("https://e.com/{id}").requests)
    say(lambda: frame.aio.outcomes)
    say(lambda: frame.aio.broken)
    say(lambda: frame.aio.nothing)
    say(lambda: frame.aio._ipython_display_)
    """
    )
    assert lines[:3] == ["embed 2", "embed 2", "2"]
    assert "has no record of a fetch" in lines[3]
    assert lines[4:] == ["broken inside", "'Other' object has no attribute 'nothing'", "_ipython_display_"]


def test_a_reload_keeps_the_earlier_accessor():
    """Reloading twice neither warns nor loses the other package, nor looks names up on ourselves."""
    lines = run_program(
        OTHER_PACKAGE
        + """
    register_other()
    import pandas_async_io as paio
    for _ in range(3):
        importlib.reload(paio.accessor)
        importlib.reload(paio)
    frame = pd.DataFrame({"id": [1]})
    say(lambda: frame.aio.embed())
    say(lambda: frame.aio.plan("https://e.com/{id}").requests)
    say(lambda: frame.aio.nothing)
    """
    )
    assert lines == ["embed 1", "1", "'Other' object has no attribute 'nothing'"]


@pytest.mark.slow
def test_paio_aio_works_where_another_package_registered_later():
    """``paio.aio(df)`` works although another package owns the name."""
    lines = run_program(
        OTHER_PACKAGE
        + """
    import warnings
    import pandas_async_io as paio
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        register_other()
    frame = pd.DataFrame({"id": [1]})
    say(lambda: frame.aio.fetch())
    say(lambda: paio.aio(frame).plan("https://e.com/{id}").requests)
    """
    )
    assert lines == ["theirs", "1"]


def test_a_function_of_another_package_on_pandas_is_not_replaced():
    """``pd.read_api`` of another package stays; ours is renewed on reload."""
    lines = run_program(
        """
    import importlib
    import pandas as pd
    pd.read_api = "theirs"
    import pandas_async_io as paio
    print(pd.read_api, callable(paio.read_api), pd.read_api_async is paio.read_api_async)
    importlib.reload(paio.reader)
    importlib.reload(paio)
    print(pd.read_api, pd.read_api_async is paio.read_api_async)
    """
    )
    assert lines == ["theirs True True", "theirs True"]


def test_the_signature_shows_every_option():
    """Shift-Tab in a notebook shows the URL and every option with its default."""
    parameters = inspect.signature(pd.DataFrame({"id": [1]}).aio.fetch).parameters
    assert next(iter(parameters)) == "url_template"
    assert parameters["how"].default == "left"
    assert all(name in inspect.getdoc(pd.DataFrame.aio.fetch) for name in parameters)
    assert "url_template" not in inspect.signature(pd.Series(["x"]).aio.fetch).parameters


def test_a_frame_without_a_fetch_has_no_outcomes():
    """The error says which frame has them."""
    frame = pd.DataFrame({"id": [1]})
    assert frame.aio.runs == ()
    for name in ("outcomes", "failures"):
        with pytest.raises(AttributeError, match="use the frame that fetch returned"):
            getattr(frame.aio, name)


def test_paio_aio_and_df_aio_are_the_same():
    """They plan alike."""
    frame = pd.DataFrame({"id": [1, 1, None]})
    assert paio.aio(frame).plan(URL) == frame.aio.plan(URL)


def test_a_template_that_is_not_a_str_is_a_type_error():
    """As a forgotten URL."""
    with pytest.raises(TypeError, match="not list"):
        pd.DataFrame().aio.fetch([URL])


def test_the_column_of_urls_comes_first_under_its_name():
    """A series without a name becomes ``url``."""
    with paio.demo.serve() as api:
        urls = pd.Series([f"{api}/users/2", None], index=["x", "x"])
        found = urls.aio.fetch(columns=["id"])
        named = urls.rename("link").astype("category").aio.fetch(columns=["id"])
        future = urls.astype("string[pyarrow]").aio.fetch_async(columns=["id"])
        assert future.columns.tolist() == ["url", "id"]
    assert found.columns.tolist() == ["url", "id"]
    assert found.index.tolist() == ["x", "x"]
    assert named.columns.tolist() == ["link", "id"]
    assert str(named["link"].dtype) == "category"
    assert named["id"].tolist() == [2, pd.NA]
    assert urls.aio.plan().skipped == {"null_key": 1}
