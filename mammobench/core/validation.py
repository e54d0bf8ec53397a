"""What pydantic says of a document that is not what it should be, in a clause of ours."""

from pydantic import ValidationError


def first_fault(error: ValidationError) -> str:
    """Return the first complaint with its place, without what was found there, which may be anything."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place, told = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
    return f"{place}: {told}" if place else told
