"""What the sections of the page are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from mammobench.evaluation.importance import Importances, hyperparameter_importances
from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.report.curves import Curves, leading_curves
from mammobench.report.ranking import Ranking, build_ranking
from mammobench.study.record import StudyRecord


@dataclass(frozen=True)
class Material:
    """Studies of the same images, task and objective, their leaderboard, and what several sections need.

    Attributes:
        studies: By their names in the leaderboard.
        board: The leaderboard.
    """

    studies: Mapping[str, StudyRecord]
    board: Leaderboard

    @property
    def objective(self) -> str:
        """The first validation objective, the same for all studies."""
        return next(iter(self.studies.values())).spec.objective

    @cached_property
    def importances(self) -> Mapping[str, Importances]:
        """Hyperparameter importances of each study."""
        return {name: hyperparameter_importances(study) for name, study in self.studies.items()}

    @cached_property
    def ranking(self) -> Ranking:
        """The table of configurations."""
        leading = dict.fromkeys(key for found in self.importances.values() for key in found.shares)
        return build_ranking(self.board, tuple(self.studies.values()), tuple(leading))

    @cached_property
    def curves(self) -> tuple[Curves, ...]:
        """Predictions and learning curves of the leading trials."""
        return leading_curves(self.board, self.studies)
