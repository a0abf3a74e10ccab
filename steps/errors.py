"""The one kind of failure that a user can mend."""


class StepError(Exception):
    """Says in one line what was expected, what came and what to do next."""
