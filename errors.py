"""What a user sees when something in their hands is wrong: one line, exit code 2, no traceback."""
import sys


class UserError(ValueError):
    """A mistake that the user can mend; its message is one line that names the cause and the remedy."""


def run(main):
    """Call a script's main() and turn a UserError into its line on standard error and exit code 2."""
    try:
        sys.exit(main())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
