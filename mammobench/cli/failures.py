"""What a search that has ended says of the trials that its ranking lacks."""

from typing import Any

from rich.console import Console
from rich.markup import escape

from mammobench.training.filenames import LOG

_SHOWN = 5


def failures_as_json(study: Any) -> dict[str, Any]:
    """Return each failed trial with its reason and its log, and what became of the reference CNN.

    Args:
        study: What was searched.
    """
    return {
        "failed_trials": [
            {"number": trial.number, "reason": trial.reason, "log": str(trial.folder / LOG)}
            for trial in _failed(study)
        ],
        "reference": _state_of_reference(study),
    }


def tell_of_failures(study: Any, out: Console) -> None:
    """Print which trials failed, why and where to read on, and whether the reference CNN is among them."""
    state = _state_of_reference(study)
    if state != "finished":
        told = "has not been trained" if state is None else f"is {state}"
        out.print(f"Reference:  the reference CNN (trial 0) {told}; the ranking has nothing to compare with")
    failed = _failed(study)
    if not failed:
        return
    out.print(f"Failed:     {len(failed)} of {len(study.trials)} trials")
    reasons: dict[str, list[int]] = {}
    for trial in failed:
        reasons.setdefault(str(trial.reason), []).append(trial.number)
    for reason, numbers in list(reasons.items())[:_SHOWN]:
        name = "trials" if len(numbers) > 1 else "trial"
        out.print(f"            {name} {', '.join(map(str, numbers))}: {escape(reason)}")
    if len(reasons) > _SHOWN:
        out.print(f"            and {len(reasons) - _SHOWN} reasons more, in the report")
    log = failed[0].folder / LOG
    out.print(f"            Logs: {escape(str(log))}" + (" and so on" if len(failed) > 1 else ""))
    remedy = "mend the cause, and search with another --study"
    out.print(f"            A failed trial is not run again in its study: {remedy}")


def nothing_came_of_it(study: Any) -> bool:
    """Return whether searched trials have ended, and none of them finished."""
    searched = [trial.state for trial in study.trials if trial.role == "searched"]
    return "finished" not in searched and any(state != "running" for state in searched)


def _failed(study: Any) -> list[Any]:
    return [trial for trial in study.trials if trial.state == "failed"]


def _state_of_reference(study: Any) -> str | None:
    return next((trial.state for trial in study.trials if trial.number == 0), None)
