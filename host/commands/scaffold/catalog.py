"""The templates of functions: names as the official tool has them, and what each is called in each model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fnhost.bindings.spelling import nearest
from fnhost.host.commands.scaffold.files import DATA, SUFFIX
from fnhost.host.commands.scaffold.models import NODE_V4, PYTHON_V2, TYPESCRIPT_V4, Model
from fnhost.host.errors import StartError

FUNCTIONS = DATA / "functions"


@dataclass(frozen=True, slots=True)
class FunctionTemplate:
    """`key` is the name of its files, `title` what the official tool calls it; `names` are default names by model."""

    key: str
    title: str
    default_name: str
    names: Mapping[Model, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    is_durable: bool = False

    def default_for(self, model: Model) -> str:
        return self.names.get(model.family, self.default_name)

    def place(self, model: Model) -> Path:
        """The folder, or the file, of this template for a model; it may not exist."""
        folder = FUNCTIONS / model.folder
        suffix = {PYTHON_V2: f".py{SUFFIX}", NODE_V4: ".js", TYPESCRIPT_V4: f".ts{SUFFIX}"}.get(model, "")
        return folder / f"{self.key}{suffix}"


TEMPLATES: Sequence[FunctionTemplate] = (
    FunctionTemplate("http", "HTTP trigger", "HttpTrigger", {PYTHON_V2: "http_trigger", NODE_V4: "httpTrigger"}),
    FunctionTemplate("timer", "Timer trigger", "TimerTrigger", {PYTHON_V2: "timer_trigger", NODE_V4: "timerTrigger"}),
    FunctionTemplate(
        "queue",
        "Azure Queue Storage trigger",
        "QueueTrigger",
        {PYTHON_V2: "queue_trigger", NODE_V4: "storageQueueTrigger"},
        ("Queue trigger",),
    ),
    FunctionTemplate(
        "blob",
        "Azure Blob Storage trigger",
        "BlobTrigger",
        {PYTHON_V2: "blob_trigger", NODE_V4: "storageBlobTrigger"},
        ("Blob trigger",),
    ),
    FunctionTemplate(
        "starter",
        "Durable Functions HTTP starter",
        "DurableFunctionsHttpStart",
        {PYTHON_V2: "http_start"},
        is_durable=True,
    ),
    FunctionTemplate(
        "orchestrator",
        "Durable Functions orchestrator",
        "DurableFunctionsOrchestrator",
        {PYTHON_V2: "hello_orchestrator", NODE_V4: "durableHello"},
        is_durable=True,
    ),
    FunctionTemplate("activity", "Durable Functions activity", "Hello", {PYTHON_V2: "hello"}, is_durable=True),
    FunctionTemplate(
        "entity", "Durable Functions entity", "Counter", {PYTHON_V2: "counter", NODE_V4: "counter"}, is_durable=True
    ),
)


def templates_of(model: Model) -> list[FunctionTemplate]:
    return [template for template in TEMPLATES if template.place(model).exists()]


def template_named(text: str, model: Model) -> FunctionTemplate:
    """By title, alias or key, whatever the case and the blanks. Raises StartError."""
    known = templates_of(model)
    for template in known:
        if _folded(text) in map(_folded, (template.title, template.key, *template.aliases)):
            return template
    titles = [template.title for template in known]
    near = nearest(text, titles)
    hint = f"Did you mean '{near}'?" if near else f"Known: {', '.join(titles)}."
    raise StartError(f"There is no template '{text}' for {model.title} {model.version}. {hint}")


def _folded(text: str) -> str:
    return "".join(text.split()).lower()
