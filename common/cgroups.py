"""Limits that containers and batch systems set by control groups, version 1 and 2."""

import re
from math import inf
from pathlib import Path

MEMBERSHIP = Path("/proc/self/cgroup")
TOP = Path("/sys/fs/cgroup")
CPU = (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
MEMORY = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
# Version 1 has the same names without total_, too; these do not count nested groups.
CACHED = {
    "memory.max": r"^(?:in)?active_file (\d+)$",
    "memory.limit_in_bytes": r"^total_(?:in)?active_file (\d+)$",
}


def groups(controller):
    """Return the folders of the groups that limit this process, including the outer groups.

    In a container the path may be the host's; the container's group is then at the top.
    """
    folders = []
    try:
        lines = MEMBERSHIP.read_text().splitlines()
    except OSError:
        return folders
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = TOP / controller if controllers else TOP  # version 2 names no controllers
        group = top / path.strip("/")
        folders += [
            folder for folder in (group, *group.parents) if top in (folder, *folder.parents)
        ]
    return folders


def limits(controller, files):
    """Yield (folder, file names, their two numbers) where a group has both; 'max' is no limit."""
    for folder in groups(controller):
        for names in files:
            try:
                first, second = " ".join((folder / name).read_text() for name in names).split()
                yield folder, names, int(first), int(second)
            except (OSError, ValueError):
                continue


def cores():
    """Return the processor time that this process may use, in cores; inf without a limit."""
    quotas = [time / period for *_, time, period in limits("cpu", CPU) if time > 0 and period > 0]
    return min(quotas, default=inf)


def memory():
    """Return (limit, free) of the memory of this process in bytes, each inf without a limit.

    Files that the kernel caches count as used in a group; they are free here, because the kernel
    drops them first.
    """
    limit = free = inf
    for folder, names, most, used in limits("memory", MEMORY):
        try:
            statistics = (folder / "memory.stat").read_text()
        except OSError:
            statistics = ""
        cached = sum(map(int, re.findall(CACHED[names[0]], statistics, re.MULTILINE)))
        limit = min(limit, most)
        free = min(free, most - used + cached)
    return limit, free
