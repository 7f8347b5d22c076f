"""A distribution with binding types of its own, as an installer leaves it in a folder of `sys.path`."""

from pathlib import Path

MODULE = '''
"""A trigger that fires once for each line of a file, and an output that appends to one."""

import asyncio
from pathlib import Path

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.contract import BindingError, Event
from fnhost.bindings.schema import STRING, members


class LinesTrigger:
    def __init__(self, function, path):
        self.function, self.path = function, path

    async def listen(self, fire, stopping):
        taken = [asyncio.create_task(self.one(fire, line)) for line in self.path.read_text().split()]
        self.path.write_text("")
        await stopping.wait()
        await asyncio.gather(*taken)

    async def one(self, fire, line):
        outcome = await fire(Event(self.function, line, "A line came", id=line))
        with self.path.with_suffix(".settled").open("a") as file:
            file.write(f"{line}: {outcome.failure or 'done'}\\\\n")


class AppendOutput:
    def __init__(self, path):
        self.path = path

    async def write(self, value, event):
        if value == "refuse me":
            raise BindingError("this line is refused")
        with self.path.open("a") as file:
            file.write(f"{value}\\\\n")


def path_of(binding):
    return Path(binding.properties["path"])


BINDING_TYPES = (
    BindingType(
        name="linesTrigger",
        schema=members("path", path=STRING),
        open=lambda services, function, binding, bindings: LinesTrigger(function, path_of(binding)),
    ),
    BindingType(
        name="append",
        schema=members("path", path=STRING),
        directions=frozenset(("out",)),
        open=lambda services, function, binding, bindings: AppendOutput(path_of(binding)),
    ),
)
'''.replace("\\\\n", "\\n")


def install(folder: Path, object: str = "BINDING_TYPES", name: str = "line-bindings") -> Path:
    """Write the package into `folder`, offering `object` of its module as an entry point. The folder."""
    module = name.replace("-", "_")
    information = folder / f"{module}-1.0.dist-info"
    information.mkdir(parents=True)
    (folder / f"{module}.py").write_text(MODULE, "utf-8")
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (information / "entry_points.txt").write_text(f"[fnhost.bindings]\nlines = {module}:{object}\n", "utf-8")
    return folder
