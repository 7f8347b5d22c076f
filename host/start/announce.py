"""What the console shows of a version that goes into service."""

from fnhost.host.app import App
from fnhost.host.listing import error_lines, function_member, listing
from fnhost.host.logging.console import RecordWriter
from fnhost.host.logging.events import FunctionsListed
from fnhost.host.logging.log import Log
from fnhost.host.options import Options
from fnhost.host.web.active_app import ActiveApp


class Announce:
    """Prints the functions, warnings and errors of a version that goes into service.

    Of later versions it prints what differs.
    """

    def __init__(self, console: RecordWriter, log: Log, base: str, options: Options, hint: str = "") -> None:
        self._console, self._log, self._base, self._options = console, log, base, options
        self._shown = ""
        self._said: set[str] = set()
        self._hint = hint
        self.app: App | None = None
        """The version that serves."""

    def __call__(self, view: ActiveApp) -> None:
        app = self.app = view.app
        self._console.set_levels({**app.config.log_levels, **self._options.levels})
        unloaded = [f"The '{function}' function is in error: {text}" for function, text in view.failures.items()]
        errors = [*error_lines(app.problems), *unloaded]
        for text in (*app.warnings, *errors):
            if text not in self._said:
                (self._log.error if text in errors else self._log.warning)("Host.Startup", text)
        self._said = {*app.warnings, *errors}
        if self._options.is_scheduler:
            return
        if (shown := listing(app, self._base)) != self._shown:
            functions = tuple(function_member(each, app, self._base) for each in app.functions)
            self._log.write(FunctionsListed(message=shown, functions=functions))
        if not (self._shown or self._options.verbose or self._options.json_output):
            self._console.print("For detailed output, run fnhost with --verbose flag.")
        if not self._shown and self._hint:
            self._console.print(self._hint)
        self._shown = shown
