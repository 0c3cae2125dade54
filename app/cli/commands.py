"""Every command and its options; the work is done elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    help="Portrait: a recommendation service whose user profiles are alive.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(db, name="db")
train = typer.Typer(help="Learn from all behaviours now: in the running service, or here where none runs.")
app.add_typer(train, name="train")
models = typer.Typer(help="What was learned: its versions, and which of them serves.", no_args_is_help=True)
app.add_typer(models, name="models")
keys = typer.Typer(help="API keys, and the master key of what is stored encrypted.", no_args_is_help=True)
app.add_typer(keys, name="keys")

release = typer.Typer(help="Figures about everybody, with differential privacy.", no_args_is_help=True)
app.add_typer(release, name="release")

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Show how far it is and what came of it.")]
Kind = Literal["generators", "space", "encoder"]
Supervised = Annotated[int | None, typer.Option(hidden=True)]


@app.callback()
def _portrait(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
) -> None:
    pass


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Server processes.")] = None,
) -> None:
    """Start the service: Postgres (its own where none is named), migrations, jobs and the API."""
    from app.cli.settings import load
    from app.cli.supervisor import Supervisor

    Supervisor(load(host=host, port=port, workers=workers)).run()


@app.command()
def jobs(supervisor: Supervised = None) -> None:
    """Run only the background work: vectors for texts, new item spaces, learning. `serve` does it too."""
    from app.cli.processes import run_jobs_process

    run_jobs_process(supervisor)


@app.command(hidden=True)
def worker(socket: Annotated[int, typer.Option()], supervisor: Supervised = None) -> None:
    """One server process on a listening socket; `serve` starts it."""
    from app.cli.processes import run_worker_process

    run_worker_process(socket, supervisor)


@app.command()
def demo(
    reset: Annotated[bool, typer.Option("--reset", help="Throw the demo's data away and load them anew.")] = False,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    seconds: Annotated[float, typer.Option(help="How long to load purchases.")] = 60.0,
) -> None:
    """A year of real people's shopping, loaded in a minute or two and served."""
    from app.cli.demo import run_demo
    from app.cli.settings import load

    run_demo(load(port=port), reset, seconds)


@app.command("import")
def import_(
    what: Annotated[
        list[str],
        typer.Argument(help="`completejourney`, `movielens PATH`, exports of users, or CSV, JSONL and Parquet files."),
    ],
    mapping: Annotated[
        str, typer.Option("--map", help="Columns by field: user=...,item=...,time=..., or type=purchase for all.")
    ] = "",
    timezone: Annotated[str, typer.Option(help="Zone of times that name none.")] = "UTC",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every record, store nothing.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="File for refused records.")] = None,
    yes: Yes = False,
) -> None:
    """Load items and behaviours; repeating it adds nothing twice."""
    from app.cli.importing import Wanted, run_import

    run_import(Wanted(what, mapping, timezone, dry_run, rejects, yes))


@train.callback(invoke_without_command=True)
def train_(context: typer.Context, wait: Wait = True) -> None:
    """Learn from all behaviours now: in the running service, or here where none runs."""
    from app.cli.training import run_train

    if context.invoked_subcommand is None:
        run_train(wait)


@train.command()
def encoder(
    minutes: Annotated[float, typer.Option(min=0.1, max=1_440, help="How long it may train.")] = 10.0,
    lora: Annotated[bool, typer.Option("--lora", help="Train small matrices beside the weights; needs peft.")] = False,
    wait: Wait = True,
) -> None:
    """Tune the text encoder on what people turn to one after another; it must win to be promoted."""
    from app.cli.training import run_train_encoder

    run_train_encoder(minutes, lora, wait)


@app.command()
def evaluate(
    what: Annotated[
        list[str] | None,
        typer.Argument(help="As for `import`; nothing: the log of the database."),
    ] = None,
    mapping: Annotated[str, typer.Option("--map", help="As for `import`.")] = "",
    timezone: Annotated[str, typer.Option(help="Zone of times that name none.")] = "UTC",
    queries: Annotated[int, typer.Option(min=0, help="A random sample of so many behaviours; 0 asks for all.")] = 1000,
    modes: Annotated[str, typer.Option(help="F: nothing is updated. U: profiles are. O: models too, ten times.")] = "U",
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("evaluation"),
) -> None:
    """Ask for what people did next, in the order of time: Portrait beside simpler systems."""
    from app.cli.evaluate import Wanted, modes_of, run_evaluate
    from app.cli.importing import source_of

    run_evaluate(Wanted(source_of(what, mapping, timezone) if what else None, queries, modes_of(modes), out))


@app.command()
def doctor() -> None:
    """Check everything the service needs; ends with 1 when something is red."""
    from app.cli.doctor import run_doctor

    raise typer.Exit(run_doctor())


@app.command()
def verify(
    users: Annotated[int | None, typer.Option(min=1, help="Only so many users, drawn at random.")] = None,
) -> None:
    """Compare counters, checkpoints, index and artifacts with log and catalogue; ends with 1 where they disagree."""
    from app.cli.verifying import run_verify

    raise typer.Exit(run_verify(users))


@app.command()
def redrive() -> None:
    """Try again what could not be folded and was set apart."""
    from app.cli.verifying import run_redrive

    run_redrive()


@app.command()
def unflag(user_id: Annotated[str, typer.Argument(help="Whose behaviours were taken for those of a robot.")]) -> None:
    """Let what screening has flagged (`robot`, `burst`) of a user count: in the profile, statistics and learning."""
    from app.cli.verifying import run_unflag

    run_unflag(user_id)


@app.command()
def chaos(
    seconds: Annotated[float, typer.Option(min=1, help="How long at least.")] = 60.0,
    behaviors: Annotated[int, typer.Option(min=1, help="How many acknowledged ones at least.")] = 50_000,
    seed: Annotated[int | None, typer.Option(help="Draws the same blows again; none: other ones.")] = None,
) -> None:
    """Kill a service of its own again and again, and compare what it acknowledged with what it stored; 1: not equal.

    With PORTRAIT_MASTER_KEY it stores users encrypted.
    """
    from app.cli.chaos.report import run_and_tell

    raise typer.Exit(run_and_tell(seconds, behaviors, seed))


@app.command("encrypt")
def encrypt_() -> None:
    """Store the users of a database in plain text encrypted, with PORTRAIT_MASTER_KEY. Stop the service first."""
    from app.cli.master_keys import run_encryption

    run_encryption()


@app.command("openapi")
def openapi_() -> None:
    """Print the description of the API (OpenAPI, JSON)."""
    import json

    from app.main import create_app

    typer.echo(json.dumps(create_app().openapi(), indent=2))


@db.command()
def upgrade() -> None:
    """Bring the database to the tables of this release."""
    from app.cli.database import opened
    from app.cli.settings import load
    from app.storage import migrate

    with opened(load()) as (_, url):
        before = migrate.current(url)
        migrate.upgrade(url)
        typer.echo(f"{before or 'empty'} -> {migrate.head()}" if before != migrate.head() else "Already up to date.")


@release.command()
def popularity(
    out: Annotated[Path, typer.Option(help="New file for it, JSON.")],
    epsilon: Annotated[float, typer.Option(min=0.001, max=20, help="What it may tell of each user-day.")] = 0.5,
    by: Annotated[Literal["item", "category"], typer.Option(help="What is counted.")] = "item",
    days: Annotated[int, typer.Option(min=1, max=366, help="So many days, each counted apart.")] = 7,
    until: Annotated[str | None, typer.Option(help="The last of them (UTC); yesterday unless given.")] = None,
    most: Annotated[int, typer.Option(min=1, max=100, help="So much of a user-day counts at most.")] = 5,
) -> None:
    """How many people turned to what, day by day, with noise that hides each of them; needs OpenDP."""
    from app.cli.release import run_popularity
    from app.privacy.noise import Bounds

    run_popularity(by, Bounds(epsilon, most), days, until, out)


@release.command()
def budget() -> None:
    """What releases have told of the users' days until now, and what is left."""
    from app.cli.release import show_budget

    show_budget()


@models.command("list")
def list_(
    kind: Annotated[Kind | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many, the newest first.")] = 20,
) -> None:
    """Every version, also challengers that lost, with the verdict on each."""
    from app.cli.models import show_models

    show_models(kind, limit)


@models.command()
def promote(version: Annotated[int, typer.Argument(min=1, help="As `portrait models list` shows it.")]) -> None:
    """Let a version serve, whatever was judged of it."""
    from app.cli.models import promote

    promote(version)


@models.command()
def rollback(kind: Annotated[Kind, typer.Option(help="Of what.")] = "generators") -> None:
    """Let the version that served before serve again; repeat it to go further back."""
    from app.cli.models import rollback

    rollback(kind)


@keys.command()
def create(
    name: Annotated[str, typer.Option(help="Whose it is.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; again for more. `admin` may do everything.")],
    expires_in: Annotated[str | None, typer.Option(help="90d, 12h or 30m; without it, never.")] = None,
    rate_limit: Annotated[int | None, typer.Option(min=0, help="Requests a minute; 0: no limit.")] = None,
) -> None:
    """Make a key. It is shown once; from the first key on nobody comes in without one."""
    from app.cli.keys import create

    create(name, scope, expires_in, rate_limit)


@keys.command("list")
def list_keys_() -> None:
    """Every key, without its secret."""
    from app.cli.keys import show_keys

    show_keys()


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(help="As `portrait keys list` shows it.")]) -> None:
    """Refuse a key from now on; running services do within about a second."""
    from app.cli.keys import revoke

    revoke(key_id)


@keys.command()
def master() -> None:
    """Print a fresh master key, for PORTRAIT_MASTER_KEY. Who loses it loses all that was stored with it."""
    from app.cli.master_keys import fresh_master

    typer.echo(fresh_master())


@keys.command("rotate-master")
def rotate_master() -> None:
    """Wrap all keys with PORTRAIT_MASTER_KEY instead of PORTRAIT_MASTER_KEY_OLD, while the service runs with both."""
    from app.cli.master_keys import run_rotation

    run_rotation()
