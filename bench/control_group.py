"""A control group: the kernel ends a server in it that takes more memory than it may."""
import contextlib
import os
import time

# Names of files in the two versions of control groups.
NAMES = {2: {"limit": "memory.max", "swap": "memory.swap.max", "events": "memory.events", "peak": "memory.peak"},
         1: {"limit": "memory.limit_in_bytes", "swap": "", "events": "memory.oom_control", "peak": "memory.max_usage_in_bytes"}}


class Group:
    """A group that was made; `with` removes it, once nothing runs in it."""

    def __init__(self, folder, version):
        self.folder, self.version, self.names = folder, version, NAMES[version]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for _ in range(100):
            with contextlib.suppress(OSError):
                os.rmdir(self.folder)
                return
            time.sleep(0.05)

    def join(self):
        """Takes the process in that calls it."""
        write(os.path.join(self.folder, "cgroup.procs"), "0")

    def oom_kills(self):
        """How many processes were ended for want of memory."""
        with open(os.path.join(self.folder, self.names["events"])) as file:
            return kills_in(file.read())

    def peak_mib(self):
        """The most that it took, caches of files included; None where the kernel does not say."""
        with contextlib.suppress(OSError):
            with open(os.path.join(self.folder, self.names["peak"])) as file:
                return int(file.read()) / (1 << 20)
        return None


def kills_in(events):
    return sum(int(words[1]) for words in map(str.split, events.splitlines()) if words and words[0] == "oom_kill")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def make(most_bytes):
    """A new group of at most so much memory and None; or None and why there can be none."""
    reasons = []
    for folder, version in places():
        group = Group(os.path.join(folder, f"recto-bench-{os.getpid()}"), version)
        try:
            os.mkdir(group.folder)
        except OSError as error:
            reasons.append(f"`{folder}`: {error.strerror}")
            continue
        try:
            limit = os.path.join(group.folder, group.names["limit"])
            if not os.path.exists(limit):
                raise OSError(0, "it does not hand on the memory controller")
            write(limit, str(most_bytes))
            if group.names["swap"]:
                # There need not be any swap.
                with contextlib.suppress(OSError):
                    write(os.path.join(group.folder, group.names["swap"]), "0")
            return group, None
        except OSError as error:
            reasons.append(f"`{folder}`: {error.strerror}")
            os.rmdir(group.folder)
    return None, "; ".join(reasons) or "no control groups are mounted that account memory"


def places():
    """Folders in which a group could be made, and their version: those that this process is in, innermost first."""
    with open("/proc/self/mounts") as file:
        mounts = [line.split()[1:4] for line in file]
    with open("/proc/self/cgroup") as file:
        own = [line.rstrip("\n").split(":", 2) for line in file]
    found = []
    for number, controllers, path in own:
        if number == "0":
            version, roots = 2, [place for place, kind, _ in mounts if kind == "cgroup2"]
        elif "memory" in controllers.split(","):
            version = 1
            roots = [place for place, kind, options in mounts if kind == "cgroup" and "memory" in options.split(",")]
        else:
            continue
        for root in roots:
            parts = [part for part in path.split("/") if part]
            for count in range(len(parts), -1, -1):
                folder = os.path.join(root, *parts[:count])
                if os.path.isdir(folder):
                    found.append((folder, version))
    # The newer version first.
    return sorted(found, key=lambda place: -place[1])
