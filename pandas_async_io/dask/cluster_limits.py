"""How a worker takes part in the limits of its cluster."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import re
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import dask
from dask.system import CPU_COUNT

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.policy.throttling.rate import Rate, parse_rates
from pandas_async_io._io.settings_pickle import find_shared_key
from pandas_async_io._io.storage.store import as_store
from pandas_async_io.client import Client, get_default_client

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from distributed import Worker

    from pandas_async_io.options import FetchOptions

_SHARE_SETTING = "pandas-async-io.shared-limits"
"""Dask's setting of whether the workers share limits."""
_LOGGER = logging.getLogger("pandas_async_io")
_lock = Lock()
_exchanges: WeakKeyDictionary[Client, WorkerExchange] = WeakKeyDictionary()
"""A client is connected once, through one worker of its process."""


_ends: dict[str, float] = {}
"""When the calls with a deadline end that this process computes without a cluster, by their keys."""


class WorkerExchange:
    """The way from a worker to the plugin on its scheduler.

    Parameters
    ----------
    worker : Worker
        Its connections are used, on its own event loop.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    @property
    def is_open(self) -> bool:
        """Whether the worker still runs."""
        return self._worker.status.name in {"running", "paused"}

    async def ask(self, operation: str, origin: str, **arguments: Any) -> Any:
        """Return the answer of the plugin, and the seconds since it came."""
        arguments |= {"origin": origin, "worker": self._worker.address}
        answer, received = await asyncio.wrap_future(self._start(lambda: self._call(operation, arguments)))
        return answer, time.monotonic() - received

    def ask_blocking(self, operation: str, **arguments: Any) -> Any:
        """Return the answer of the plugin, in a task's thread."""
        return self._start(lambda: self._call(operation, arguments)).result()[0]

    def register(self) -> None:
        """Register the plugin, unless another worker has.

        Raises
        ------
        PlanError
            The cluster takes no plugins.
        """
        from distributed.protocol.pickle import dumps  # noqa: PLC0415 - without a cluster, nothing of it is imported

        from pandas_async_io.dask.scheduler_plugin import PLUGIN_NAME, SharedLimitsPlugin  # noqa: PLC0415 - as above

        plugin = dumps(SharedLimitsPlugin())
        register: Any = self._worker.scheduler.register_scheduler_plugin
        try:
            self._start(lambda: register(plugin=plugin, name=PLUGIN_NAME, idempotent=True)).result()
        except Exception as error:  # noqa: BLE001 - of whatever the scheduler raises
            raise PlanError(
                f"the workers cannot share rate= and concurrency=: the scheduler takes no plugin ({error}). It needs "
                "this package, and register_scheduler_plugin not in distributed.scheduler.blocked-handlers. Or divide "
                f"the two by the number of workers by hand, with {_SHARE_SETTING}: False in their Dask settings"
            ) from None

    async def _call(self, operation: str, arguments: dict[str, Any]) -> Any:
        from pandas_async_io.dask.scheduler_plugin import handler_name  # noqa: PLC0415 - as above

        answer = await getattr(self._worker.scheduler, handler_name(operation))(**arguments)
        received = time.monotonic()
        return answer, received

    def _start(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        loop = vars(self._worker.loop)["asyncio_loop"]
        return asyncio.run_coroutine_threadsafe(make(), loop)


def join_cluster(options: FetchOptions, call: str) -> FetchOptions:
    """Let this partition's client share its limits with the other workers, and return the options with what is its own.

    Parameters
    ----------
    call : str
        The key of the call.

    Raises
    ------
    PlanError
        The cluster takes no plugins.
    """
    options = place_store(options)
    worker = _find_worker()
    if worker is None:
        if options.deadline is not None:
            now = time.monotonic()
            options = replace(options, deadline=max(_ends.setdefault(call, now + options.deadline) - now, 1e-3))
        return _divide_among_processes(options)
    client = options.client or get_default_client()
    with _lock:
        exchange = _exchanges.get(client)
        if exchange is None or not exchange.is_open:
            exchange = WorkerExchange(worker)
            exchange.register()
            client.share_limits(exchange, find_shared_key(client) or "default")
            _exchanges[client] = exchange
    if options.deadline is None:
        return options
    left = exchange.ask_blocking("deadline", call=call, seconds=options.deadline)
    return replace(options, deadline=max(left, 1e-3))


def place_store(options: FetchOptions) -> FetchOptions:
    """Return the options with a store of this machine, if the one that is given is a folder.

    SQLite takes writers of one machine only. `Store.merge` makes one store of all.
    """
    store = as_store(options.store)
    if store is None or not Path(store.path).is_dir():
        return options
    machine = re.sub(r"[^\w.-]", "_", socket.gethostname())
    return replace(options, store=replace(store, path=Path(store.path) / f"{machine}.sqlite"))


def _find_worker() -> Worker | None:
    """Return the worker that runs this task; None without a distributed cluster, or if its limits are not shared."""
    if "distributed" not in sys.modules or not dask.config.get(_SHARE_SETTING, default=True):
        return None
    from distributed import get_worker  # noqa: PLC0415 - as above

    try:
        return get_worker()
    except ValueError:
        return None


def _divide_among_processes(options: FetchOptions) -> FetchOptions:
    """Return the options of one of the processes of Dask's own scheduler, which cannot talk to each other."""
    if multiprocessing.parent_process() is None:
        return options
    limits = () if options.client is None else options.client.limits.rates
    rates = [*limits, *parse_rates(options.rate)]
    if not rates:
        return options
    processes = int(dask.config.get("num_workers", None) or CPU_COUNT)
    _LOGGER.warning("each of %d processes keeps its part of rate=; a distributed cluster shares it", processes)
    return replace(options, rate=[_divide(rate, processes) for rate in rates])


def _divide(rate: Rate, processes: int) -> Rate:
    return replace(rate, count=rate.count / processes)
