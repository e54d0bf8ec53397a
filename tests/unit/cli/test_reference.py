"""What READMEs say of what is registered is current."""

from pathlib import Path

import pytest

from mammobench.cli.reference import COMMAND, PAGES, commands, renewed
from mammobench.core.markdown import table, with_part


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_is_current(page: Path) -> None:
    current = page.read_text("utf-8") == renewed(page)
    assert current, f"{page} is not current; renew it with `{COMMAND}`"


def test_every_command_is_listed_by_the_words_that_call_it() -> None:
    names = [name for name, _ in commands()]
    assert {"search", "report", "data prepare", "data audit"} <= set(names)
    assert len(set(names)) == len(names)


def test_a_part_of_a_page_is_replaced_and_the_rest_kept() -> None:
    page = "above\n<!-- list -->\nold\n<!-- end of list -->\nbelow\n"
    once = with_part(page, "list", table(["a"], [[r"\1"]]))
    assert once == "above\n<!-- list -->\n\n| a |\n| --- |\n| \\1 |\n\n<!-- end of list -->\nbelow\n"
    assert with_part(once, "list", "new") == with_part(page, "list", "new")
    with pytest.raises(ValueError, match="other"):
        with_part(page, "other", "new")
