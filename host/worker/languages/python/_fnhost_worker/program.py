"""The program: one thread reads the host's frames, the main thread runs the event loop, others run sync functions."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import importlib
import logging
import os
import platform
import signal
import sys
import threading
import time
import traceback
import warnings
from typing import Any, Coroutine

from . import debugger, durable, loading, times, webserver
from .context import INVOCATION, THREAD
from .converters import Converters
from .errors import FunctionLoadError, stack, title
from .fallback import offer_copy
from .forks import new_event_loop, watch_forks
from .hooks import Hooks
from .indexing import IndexedFunctions
from .invocation import FAILED, Invocation, Response
from .logs import open_logs
from .observation import Observations
from .output import MarkedStream, open_streams
from .settings import read_settings
from .signature import Binding, Function, bind
from .threads import ThreadPool
from .wire import Message, Wire, connect

VERSION = ".".join(map(str, sys.version_info[:2]))
SDK = "azure.functions"


class Program:
    def __init__(
        self,
        wire: Wire,
        loop: asyncio.AbstractEventLoop,
        threads: ThreadPool,
        hooks: Hooks,
        streams: tuple[MarkedStream, ...] = (),
    ) -> None:
        self._wire = wire
        self._loop = loop
        self._threads = threads
        self._hooks = hooks
        self._streams = streams
        self._functions: dict[str, Function] = {}
        self._declared = IndexedFunctions(os.environ["FUNCTIONS_APPLICATION_DIRECTORY"])
        self._observations = Observations(wire)
        self._tasks: set[asyncio.Task[None]] = set()
        self._web: webserver.WebServer | None = None
        self._probed_at = 0.0
        """When the event loop was asked to reset this to 0: for as long it has not run."""
        self._is_ending = False

    def serve(self) -> None:
        """Handle the host's messages until it is gone; the process ends with it."""
        handlers = {
            "workerInitRequest": self._init,
            "workerWarmupRequest": self._warm_up_soon,
            "debuggerAttachRequest": self._join_debugger_soon,
            "functionsMetadataRequest": self._list_soon,
            "functionLoadRequest": self._load_soon,
            "invocationRequest": self._invoke,
            "workerStatusRequest": self._send_status,
            "workerTerminate": self._terminate,
        }
        try:
            for message, blobs in self._wire.receive():
                handlers[message["t"]](message, blobs)
        except BaseException:
            traceback.print_exc()
        os._exit(1)

    def _init(self, message: Message, blobs: bytes) -> None:
        metadata = {"runtimeName": "python", "runtimeVersion": platform.python_version()}
        self._wire.send({"t": "workerInitResponse", "result": {"status": "success"}, "workerMetadata": metadata})

    def _warm_up_soon(self, message: Message, blobs: bytes) -> None:
        """Import what many apps need, before the host asks for anything else."""
        self._loop.call_soon_threadsafe(import_quietly, durable.SDK)
        self._loop.call_soon_threadsafe(debugger.preload)

    def _join_debugger_soon(self, message: Message, blobs: bytes) -> None:
        """The main thread waits for the client: it must not load user code before the breakpoints are set."""
        self._loop.call_soon_threadsafe(self._join_debugger, message["setup"])

    def _join_debugger(self, setup: Message) -> None:
        self._wire.send({"t": "debuggerAttachResponse", "failure": debugger.join(setup)})

    def _send_status(self, message: Message, blobs: bytes) -> None:
        """Sent by the reading thread: it tells whether the process runs, and for how long its event loop has not."""
        now = time.monotonic()
        blocked = now - self._probed_at if self._probed_at else 0.0
        if not self._probed_at:
            self._probed_at = now
            self._loop.call_soon_threadsafe(self._probe_done)
        self._wire.send({"t": "workerStatusResponse", "loopBlocked": blocked})

    def _probe_done(self) -> None:
        self._probed_at = 0.0

    def _list_soon(self, message: Message, blobs: bytes) -> None:
        self._loop.call_soon_threadsafe(lambda: self._wire.send(self._declared.list()))

    def _load_soon(self, message: Message, blobs: bytes) -> None:
        self._loop.call_soon_threadsafe(self._load, message)

    def _load(self, message: Message) -> None:
        function_id = message["functionId"]
        result: Message = {"status": "success"}
        try:
            function = self._functions[function_id] = load(message["metadata"], self._declared)
            self._hooks.function_loaded(function.name, function.directory)
            if durable.speaks_grpc():
                result["durableRequiresGrpc"] = True
                durable.keep_grpc_open()
            if base := webserver.extension():
                result["httpUri"] = self._web_server(base).address
            times.install_fast_parser()
        except BaseException as error:
            reason = str(error) if isinstance(error, FunctionLoadError) else f"{title(error)}\n{stack(error)}"
            name = message["metadata"]["name"]
            result = {"status": "failure", "exception": {"message": f"cannot load the {name} function: {reason}"}}
        self._wire.send({"t": "functionLoadResponse", "functionId": function_id, "result": result})

    def _web_server(self, base: Any) -> webserver.WebServer:
        if self._web is None:
            self._web = webserver.WebServer(base, self._loop)
            self._web.start()
        return self._web

    def _invoke(self, message: Message, blobs: bytes) -> None:
        function = self._functions[message["functionId"]]
        if "observe" in message:
            return self._observations.take(function, message, blobs)
        invocation = Invocation(function, message, blobs, self._hooks)
        context = contextvars.Context()
        if self._web is not None and function.http_trigger:
            work = self._serve(self._web, function, invocation)
            self._loop.call_soon_threadsafe(self._start_task, invocation, work, context=context)
        elif function.is_async:
            self._loop.call_soon_threadsafe(self._start_task, invocation, self._run_async(invocation), context=context)
        else:
            self._threads.submit(lambda: context.run(self._run, invocation))

    async def _serve(self, web: webserver.WebServer, function: Function, invocation: Invocation) -> None:
        """The request comes over HTTP; the response goes there before the host is told that the function is done."""
        try:
            invocation.http_request = await web.request_of(invocation.id, invocation.route_params)
        except Exception as error:
            self._send(invocation, invocation.unsendable(error))
            return web.fail(invocation.id)
        response = await (invocation.run_async() if function.is_async else self._from_thread(invocation))
        if invocation.http_response is FAILED:
            web.fail(invocation.id)
        else:
            web.answer(invocation.id, invocation.http_response)
        self._end_lines(invocation.id)
        self._send(invocation, response)

    async def _from_thread(self, invocation: Invocation) -> Response:
        """What a thread answers that runs it in the context of this task."""
        done: asyncio.Future[Response] = self._loop.create_future()
        context = contextvars.copy_context()

        def run() -> None:
            response = context.run(self._run_in_thread, invocation)
            self._loop.call_soon_threadsafe(done.set_result, response)

        self._threads.submit(run)
        return await done

    def _run(self, invocation: Invocation) -> None:
        self._send(invocation, self._run_in_thread(invocation))

    def _run_in_thread(self, invocation: Invocation) -> Response:
        INVOCATION.set(invocation.id)
        THREAD.invocation_id = invocation.id
        try:
            response = invocation.run()
            self._end_lines(invocation.id)
        except BaseException as error:  # set in this thread by another, between two lines of the worker
            response = invocation.unsendable(error)
        THREAD.invocation_id = None
        return response

    def _start_task(self, invocation: Invocation, work: Coroutine[Any, Any, None]) -> None:
        INVOCATION.set(invocation.id)
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_async(self, invocation: Invocation) -> None:
        response = await invocation.run_async()
        self._end_lines(invocation.id)
        self._send(invocation, response)

    def _end_lines(self, invocation: str) -> None:
        """What was printed last belongs to its invocation, and is not lost; a broken stream harms no response."""
        try:
            for stream in self._streams:
                stream.end_line(invocation)
        except Exception:
            return

    def _send(self, invocation: Invocation, response: Response) -> None:
        """A response that cannot be encoded, or is too long, is a failure of its invocation."""
        try:
            self._wire.send(*response)
        except Exception as error:
            del response
            self._wire.send(*invocation.unsendable(error))

    def _terminate(self, message: Message, blobs: bytes) -> None:
        """End as Python does, with `atexit`, unless user code still runs."""
        sys.stdout.flush()
        sys.stderr.flush()
        if self._tasks or self._threads.are_busy:
            os._exit(0)
        self._is_ending = True
        self._loop.call_soon_threadsafe(self._loop.stop)

    def run_loop(self) -> None:
        """Until the host ends this worker: user code that stops the loop, or calls sys.exit() in a task, does not."""
        while not self._is_ending:
            try:
                self._loop.run_forever()
            except SystemExit as error:
                logging.error(
                    "%s outside of any invocation, in a task or callback of its own, is ignored.", title(error)
                )
            except KeyboardInterrupt:
                os._exit(_interrupted())


def _interrupted() -> int:
    print("The worker was interrupted (SIGINT).", file=sys.stderr, flush=True)
    return 128 + signal.SIGINT


def load(metadata: Message, declared: IndexedFunctions) -> Function:
    """Raises FunctionLoadError."""
    name, directory = metadata["name"], metadata["directory"]
    if not durable.TYPES.isdisjoint(binding["type"].lower() for binding in metadata["bindings"].values()):
        import_quietly(durable.SDK)
    try:
        if metadata.get("properties", {}).get("worker_indexed"):
            call = declared.find(name)
        else:
            call = loading.load_callable(name, directory, metadata["scriptFile"], metadata["entryPoint"])
        return bind(name, directory, call, _bindings(metadata["bindings"]), _converters())
    except FunctionLoadError:
        raise
    except BaseException as error:
        raise FunctionLoadError(f"{title(error)}\n{stack(error)}") from error


def _bindings(sent: dict[str, Message]) -> dict[str, Binding]:
    return {name: Binding(each["type"], each["direction"], each["dataType"]) for name, each in sent.items()}


def _converters() -> Converters:
    try:
        return Converters.of_app()
    except ImportError as error:
        raise FunctionLoadError(
            f"{title(error)}. The package azure-functions is not installed for {sys.executable}. "
            f'Install it with "{sys.executable} -m pip install azure-functions".'
        ) from error


def import_quietly(name: str) -> None:
    """Import a module if it can be: who uses it gets the error otherwise."""
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module(name)
    gc.freeze()  # it stays: the collector need not scan it again


def main() -> None:
    """Run until the host ends this process, or is gone (platform/worker-protocol.md 2)."""
    wire = connect()
    root = os.environ["FUNCTIONS_APPLICATION_DIRECTORY"]
    os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME_VERSION", VERSION)
    watch_forks()
    streams = open_streams()
    loop = new_event_loop()
    asyncio.set_event_loop(loop)
    loading.open_namespace(root)
    settings = read_settings(os.environ)
    open_logs(wire, settings.log_level)
    offer_copy(os.environ)
    import_quietly(SDK)
    program = Program(wire, loop, ThreadPool(settings.threads), Hooks(settings), streams)
    wire.send({"t": "startStream"})
    threading.Thread(target=program.serve, name="host", daemon=True).start()
    program.run_loop()
