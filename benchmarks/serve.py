"""One row over HTTP, requests a second: our servers and the others, in turns."""

import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks import servers
from benchmarks.figures import Figure, absolute, ratio, skipped
from benchmarks.servers import Running, commands, first_answer, running
from benchmarks.timing import Setting, in_turns

# ours, the other, what is to be reached
TARGETS = (
    (servers.SERVED, servers.CONSTANT_MODEL, ">= 0.9"),
    (servers.SERVED, servers.FLAVOR, ">= 2.5"),
    (servers.SERVED, servers.PICKLED, ""),
    (servers.OURS, servers.FASTAPI, ">= 1.0"),
    (servers.OURS, servers.BENTOML, ">= 6"),
    (servers.OURS, servers.SERVED, ">= 15"),
    (servers.OURS, servers.MLSERVER, ""),
)
CLIENTS = {1: "one row, one client", 16: "one row, 16 clients"}


def measure(setting: Setting) -> list[Figure]:
    """Start every server, ask each in turns by one client and by sixteen."""
    body_file = setting.folder / "request.json"
    body_file.write_bytes(setting.fixtures.request)
    with ExitStack() as stack:
        found, reasons = _start(setting, stack)
        seconds = 0.25 if setting.quick else 2.0
        measures = {
            (name, clients): lambda server=server, clients=clients: server.load(
                body_file, clients, seconds
            )
            for name, server in found.items()
            for clients in CLIENTS
        }
        results = in_turns(measures, setting.rounds, warm=False)  # each load warms up by itself
    return [
        figure
        for clients, what in CLIENTS.items()
        for figure in _figures(what, results, clients, reasons)
    ]


def _start(setting: Setting, stack: ExitStack) -> tuple[dict[str, Running], dict[str, str]]:
    """Start the servers together; returns those that answer, and why others do not."""
    started, reasons = {}, {}
    for name, start in commands(setting.fixtures, setting.folder).items():
        try:
            started[name] = stack.enter_context(running(name, start, setting.folder))
        except SystemExit as error:
            reasons[name] = str(error)
    for name, server in list(started.items()):
        try:
            answer = first_answer(server, setting.fixtures.request, 0.1)
            print(f"  {name}: {answer}", file=sys.stderr)
        except SystemExit as error:
            reasons[name] = f"{error}; {_last_line(setting.folder, name)}"
            del started[name]
    return started, reasons


def _last_line(folder: Path, name: str) -> str:
    lines = (folder / f"{name}.log".replace(" ", "-")).read_text(errors="replace").splitlines()
    return lines[-1][:200] if lines else "no word"


def _figures(what: str, results: dict, clients: int, reasons: dict[str, str]) -> list[Figure]:
    rates = {
        name: [one["rate"] for one in found]
        for (name, count), found in results.items()
        if count == clients
    }
    figures = []
    for ours, peer, target in TARGETS:
        title = f"{ours}, {what}"
        if ours == servers.SERVED and clients > 1:
            target = ""  # these are set for one client
        if ours in rates and peer in rates:
            figures.append(ratio(title, "req/s", rates[ours], peer, rates[peer], target))
        else:
            missing = ours if ours not in rates else peer
            reason = reasons.get(missing, "no figure")
            figures.append(skipped(f"{title}, against {peer}", f"{missing}: {reason}", target))
    for name in rates:
        figures.append(absolute(f"{name}, {what}", "req/s", rates[name]))
    for name in (servers.OURS, servers.FASTAPI, servers.SERVED):
        if name in rates:
            p99, p50 = ([one[key] for one in results[name, clients]] for key in ("p99", "p50"))
            target = "< 3" if name == servers.OURS else ""
            figures.append(ratio(f"{name}, {what}, p99", "ms", p99, "its own p50", p50, target))
    return figures
