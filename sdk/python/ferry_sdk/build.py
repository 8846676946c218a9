"""`ferry-build`: makes a component of a plugin's module. `ferry plugin pack` does the rest.

The module is put into an interpreter together with this SDK and whatever lies beside it. None of the system is there in the sandbox: the
component has no clock, no randomness, no files and no sockets, only what the contract offers.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from .connector import Connector, takes_sets
from .contract import CONTRACT
from .mapper import Mapper
from .stamp import stamped

SDK = Path(__file__).parent
VERSION = "0.1.0"


class BuildError(Exception):
    """What the author has to mend, in one sentence."""


def build(entry, out, vendored=()):
    """Makes the component; gives what kind of plugin it is, and the component's size in bytes."""
    entry = Path(entry)
    if not entry.is_file():
        raise BuildError(f"there is no `{entry}`: name the plugin's module with --entry")
    kind = _kind(entry, vendored)
    with tempfile.TemporaryDirectory(prefix="ferry-build-") as work:
        work = Path(work)
        # A resource must stand in a module of its interface's name.
        app = "mapper" if kind == "mapper" else "app"
        entry_text = (SDK / "component" / ("mapper.py" if kind == "mapper" else "connector.py")).read_text(encoding="utf-8")
        if kind == "bulk-connector":
            entry_text += (SDK / "component" / "bulk.py").read_text(encoding="utf-8")
        (work / f"{app}.py").write_text(entry_text, encoding="utf-8")
        shutil.copytree(SDK, work / "ferry_sdk", ignore=shutil.ignore_patterns("native", "component", "__pycache__", "build.py", "testing.py"))
        (work / "ferry_plugin.py").write_text(f"from {entry.stem} import plugin\n", encoding="utf-8")
        made = work / "made.wasm"
        paths = [work, entry.parent.resolve(), *map(Path, vendored)]
        words = [_tool(), "-d", str(contract()), "-w", f"{kind}-plugin", "componentize", app, "--stub-wasi", "-o", str(made)]
        run = subprocess.run(words + [word for path in paths for word in ("-p", str(path))], capture_output=True, text=True)
        if run.returncode != 0:
            raise BuildError(f"componentize-py made no component of it:\n{run.stdout}{run.stderr}".rstrip())
        component = stamped(made.read_bytes(), {"sdk": "python", "version": VERSION, "contract": CONTRACT})
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_bytes(component)
    return kind, len(component)


def _kind(entry, vendored):
    """Loads the module as a test would: what does not load here would not start in the sandbox either."""
    sys.path[:0] = [str(entry.parent.resolve()), *map(str, vendored)]
    spec = importlib.util.spec_from_file_location(entry.stem, entry)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    plugin = getattr(module, "plugin", None)
    for kind, base in (("connector", Connector), ("mapper", Mapper)):
        if isinstance(plugin, base):
            return "bulk-connector" if kind == "connector" and takes_sets(plugin) else kind
    raise BuildError(f"`{entry}` has no `plugin` that is an instance of a `Connector` or a `Mapper`")


def contract():
    """The contract: beside the SDK where it was packed, else that of the repository."""
    places = [SDK.parent / "wit", SDK.parent.parent.parent / "wit"]
    for place in places:
        if (place / "types.wit").is_file():
            return place
    raise BuildError(f"the contract is neither at {places[0]} nor at {places[1]}: install the SDK anew")


def bindings(folder):
    """Writes the contract's types as Python sees them: `ferry_sdk/native` is a copy of these."""
    words = [_tool(), "-d", str(contract()), "-w", "bulk-connector-plugin", "-w", "mapper-plugin", "bindings", str(folder)]
    subprocess.run(words, check=True)


def _tool():
    beside = Path(sysconfig.get_path("scripts")) / "componentize-py"
    tool = str(beside) if beside.is_file() else shutil.which("componentize-py")
    if tool is None:
        raise BuildError("`componentize-py` is not installed: `pip install` the SDK, which brings it along")
    return tool


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="ferry-build", description="Makes a WebAssembly component of a plugin's module.")
    parser.add_argument("--entry", default="src/plugin.py", help="the plugin's module, by default src/plugin.py")
    parser.add_argument("--out", default="dist/plugin.wasm", help="where the component goes, by default dist/plugin.wasm")
    parser.add_argument("--path", action="append", default=[], metavar="DIR", help="a folder with packages in pure Python that it imports")
    given = parser.parse_args(arguments)
    try:
        kind, size = build(given.entry, given.out, given.path)
    except BuildError as error:
        sys.exit(f"error: {error}")
    print(f"built a {kind} into {given.out} ({size / 1e6:.1f} MB); next: ferry plugin pack {given.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
