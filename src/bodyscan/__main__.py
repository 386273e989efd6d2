"""`python -m bodyscan` is the command line."""

from bodyscan.cli.main import app

app()
