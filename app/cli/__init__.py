"""The command `portrait`: what an operator types, and the processes it starts.

Words on a command line enter; a running service, an import or a report leaves, or one sentence and one hint.
Start with `commands` (every command in a line or two), then `supervisor` (who starts and stops whom) and `demo`.
Everything heavy is imported where it is used, so that `portrait --help` answers at once.
"""

from __future__ import annotations

import sys


def main() -> None:
    from app.cli.commands import app
    from app.cli.failures import told_in_a_sentence

    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    with told_in_a_sentence(debug=len(arguments) < len(sys.argv) - 1):
        app(arguments)
