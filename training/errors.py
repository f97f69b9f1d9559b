"""What a user can mend: said in one line, exit code 2."""


class InputError(Exception):
    """Bad data or a bad config; the message names the file, the place and the cure."""
