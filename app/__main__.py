"""`python -m app` is the command `portrait`."""

from app.cli import main

main()
