"""`python -m sandbox`: the sandbox as a process of its own."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path

from sandbox.protocol import SandboxError
from sandbox.server import DEFAULT_PORT, serve
from sandbox.world.landscape import DEFAULT, ROLE_OF, Account
from sandbox.world.plant import load_plan


def account(text: str) -> Account:
    name, _, rest = text.partition("=")
    system, _, region = rest.partition(":")
    if system not in ROLE_OF:
        raise argparse.ArgumentTypeError(f"no system is called {system!r}; systems are {', '.join(sorted(ROLE_OF))}")
    return Account(name, system, ROLE_OF[system], region)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Serve the sandbox vendors on this machine.")
    parser.add_argument("--home", type=Path, default=Path("var"), help="folder of the installation's state")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="main port; the vendors' own ports follow it; 0 takes free ones")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--faults", type=Path, help="YAML or JSON file of fault kinds and counts")
    parser.add_argument("--data", type=Path, help="folder with the real data sets; without it the world is generated")
    parser.add_argument("--anchor", type=datetime.fromisoformat, help="the world's now (default: now)")
    parser.add_argument("--reset", action="store_true", help="throw away the world and everything written to it")
    parser.add_argument("--account", action="append", type=account, help="name=system:region, once for each system of the company (default: four)")
    options = parser.parse_args()
    try:
        serve(
            options.home,
            seed=options.seed,
            scale=options.scale,
            faults=load_plan(options.faults) if options.faults else None,
            data=options.data,
            anchor=options.anchor,
            accounts=options.account or DEFAULT,
            port=options.port,
            reset=options.reset,
            on_ready=lambda sandbox: print(f"sandbox at {sandbox.main_url}", flush=True),  # noqa: T201
        )
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
