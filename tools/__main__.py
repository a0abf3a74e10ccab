"""``python -m tools <command>``: what a developer runs on the project's environments."""

import argparse
import sys

from steps.errors import StepError
from tools import audit, conda_lock, conda_yaml, licences

COMMANDS = {
    "render": conda_yaml.main,
    "conda-lock": conda_lock.main,
    "audit": audit.main,
    "licences": licences.main,
}


def main() -> None:
    """Run the command that the first argument names."""
    parser = argparse.ArgumentParser(prog="python -m tools")
    parser.add_argument("command", choices=COMMANDS)
    command = COMMANDS[parser.parse_args().command]
    try:
        command()
    except StepError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
