"""A section of the page: figures and tables under one heading, or what a template of its own shows."""

from dataclasses import dataclass

from mammobench.report.drawing import Drawing
from mammobench.report.facts import Confusion, Table


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        anchor: By which links refer to it.
        title: Its heading.
        help: One sentence below the heading.
        drawings: Its figures.
        confusions: Confusion matrices.
        tables: One below the other; in pairs side by side where `paired`.
        notes: Sentences at its end.
        paired: See `tables`.
        parallel: Whether it holds the parallel coordinates, which the page's script draws.
        link: Its words in the contents; None where it does not stand there, empty for its title.
        template: That shows it, as ``section``.
        value: What such a template shows besides.
    """

    anchor: str
    title: str
    help: str = ""
    drawings: tuple[Drawing, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    paired: bool = False
    parallel: bool = False
    link: str | None = ""
    template: str = "section.html"
    value: object = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        parts = self.drawings or self.confusions or self.tables or self.notes or self.parallel or self.value
        return not parts
