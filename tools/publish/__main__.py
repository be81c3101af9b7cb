"""`python -m tools.publish train`, `score`, `check` and `page`, in this order."""

from typing import Annotated

import typer

from tools.publish import agreed, focal_role, power, power_page, who_gains
from tools.publish.page import write_page
from tools.publish.plan import trainings
from tools.publish.score import EVERY, check, score, tasks
from tools.publish.train import train

app = typer.Typer(help=__doc__, add_completion=False)
Workers = Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes.")]
Only = Annotated[list[str] | None, typer.Option(help="Scenarios or methods; repeatable.")]


@app.command("train")
def train_all(workers: Workers = 2, only: Only = None) -> None:
    """Train what is not published yet; hours. Goes on where it was interrupted."""
    chosen = set(only or [])
    train(
        [t for t in trainings() if not chosen or {t.scenario, t.method} & chosen],
        workers,
    )


@app.command("score")
def score_all(workers: Workers = 2) -> None:
    """Play everything that is not recorded yet, in both roles; minutes."""
    score(workers)
    focal_role.write(workers)
    agreed.write()


@app.command("power")
def power_system(workers: Workers = 2) -> None:
    """Train the four learners of a power system and play them on test weeks; an hour."""
    power.publish(workers)


@app.command("check")
def check_all(workers: Workers = 2) -> None:
    """Play everything again and compare with the records."""
    wrong = check(workers, list(tasks(EVERY))) + focal_role.check(workers) + agreed.check()
    for line in wrong:
        typer.echo(line, err=True)
    raise typer.Exit(bool(wrong))


@app.command("page")
def page_of_results() -> None:
    """Write docs/results.md, its pictures and the tables of docs/agreements.md from the records."""
    write_page()
    who_gains.write_page()
    power_page.write_page()


if __name__ == "__main__":
    app()
