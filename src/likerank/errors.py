"""What a user did or met, in one sentence."""


class LikerankError(Exception):
    """Something a user can mend: the message names the culprit and says what to do.

    Scripts print it as one sentence without a traceback and exit with status 1. Anything else that is
    raised is a bug of likerank and shows its traceback.
    """
