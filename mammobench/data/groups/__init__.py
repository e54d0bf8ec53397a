"""Groups: the unit that a split must not cut, known from the source or recovered from the pixels."""

from mammobench.data.groups.model import Groups, Recovery
from mammobench.data.groups.picture import picture_of_link
from mammobench.data.groups.recover import recover_groups
from mammobench.data.groups.saved import groups_of

__all__ = ["Groups", "Recovery", "groups_of", "picture_of_link", "recover_groups"]
