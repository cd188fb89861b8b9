"""Which source made a run: the commit, and what was changed since."""
import shutil
import subprocess

GENERATED = (":!results", ":!plots/figures")  # what runs write themselves


def source(root):
    """{"commit": its hash, "uncommitted": ["M symbols/layers.py", ...]} of a checkout; None for both without git."""
    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, errors="replace")
        return done.stdout.splitlines() if done.returncode == 0 else None

    if not shutil.which("git") or not git("rev-parse", "HEAD"):
        return {"commit": None, "uncommitted": None}
    changes = git("status", "--porcelain", "--untracked-files=all", "--", ".", *GENERATED)
    return {"commit": git("rev-parse", "HEAD")[0], "uncommitted": [" ".join(line.split(maxsplit=1)) for line in changes or ()]}
