"""The command `stress`: robustness of a study's leaders to changes of the images."""

from typing import Annotated, Any

import typer

from mammobench.cli.options import DataOption, Json, Quiet, StudyArgument
from mammobench.cli.printing import print_json, print_rows, stderr

app = typer.Typer()


@app.command()
def stress(
    study: StudyArgument,
    top: Annotated[int, typer.Option(help="How many of the searched trials, by validation.", min=1)] = 5,
    trial: Annotated[int | None, typer.Option(help="One trial's number instead.")] = None,
    data: DataOption = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train the leaders and the reference CNN again, and predict the test images changed in many ways.

    Example: `mammobench stress quick --top 3`
    """
    from mammobench import api
    from mammobench.analysis.stress import stress_study
    from mammobench.core.progress import Bars

    opened = api.Study.open(study)
    console = stderr(quiet=quiet)
    try:
        with Bars(console) as bars:
            trials = stress_study(opened.record, top=top, number=trial, data=data, progress=bars)
            bars("Writing the report", 0, 1)
            report = opened.report()
            bars("Writing the report", 1, 1)
    except KeyboardInterrupt:
        console.print(
            "\nStopped. What is done is kept, and the same command goes on with what is missing.",
            highlight=False,
        )
        raise typer.Exit(130) from None
    if as_json:
        print_json(
            {"study": str(opened.folder), "report": str(report), "trials": [_as_json(t) for t in trials]}
        )
        return
    conditions = dict.fromkeys(result.condition for trial in trials for result in trial.results)
    by_trial = [{result.condition: result.scores["f1"] for result in trial.results} for trial in trials]
    print_rows(
        ["test F1", *(trial.name for trial in trials)],
        [
            [name, *(f"{scores[name].point:.3f}" if name in scores else "" for scores in by_trial)]
            for name in conditions
        ],
        as_json=False,
    )
    for each in trials:
        drop = each.columns
        typer.echo(
            f"{each.name}: worst under {each.worst.condition}, test F1 {each.worst.scores['f1']}, "
            f"{drop['stress_f1_drop']:.3f} [{drop['stress_f1_drop_low']:.3f}, "
            f"{drop['stress_f1_drop_high']:.3f}] below the unchanged"
        )
    typer.echo(f"Report:  {report}")


def _as_json(trial: Any) -> dict[str, Any]:
    def ends(name: str, interval: Any) -> dict[str, Any]:
        return {name: interval.point, f"{name}_low": interval.low, f"{name}_high": interval.high}

    conditions = []
    for result in trial.results:
        values: dict[str, Any] = {"condition": result.condition}
        for metric, interval in result.scores.items():
            values |= ends(f"test_{metric}", interval)
            values |= ends(f"test_{metric}_change", result.changes[metric])
        conditions.append(values)
    return {"trial": trial.trial, "name": trial.name, **trial.columns, "conditions": conditions}
