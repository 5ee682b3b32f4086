"""The exception for errors that the user can fix."""

from likerank.secret_text import without_passwords


class LikerankError(Exception):
    """Something a user can mend: the message names the culprit and says what to do.

    Scripts print it as one sentence without a traceback and exit with its status. Anything else that is
    raised is a bug of likerank and shows its traceback.

    Args:
        message: The sentence; passwords and tokens of URIs in it are left out.
        exit_status: What a script exits with; 1 unless the script's own meanings say otherwise.
    """

    def __init__(self, message: str = "", *, exit_status: int = 1) -> None:
        super().__init__(without_passwords(message))
        self.exit_status = exit_status
