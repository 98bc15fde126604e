"""A server under test: how it is started and asked, and what it tells of itself."""
import http.client
import re
import subprocess
import sys
import time


class Client:
    """One connection that is kept; opened anew when the server closed it."""

    def __init__(self, address, timeout=180):
        self.host, port = address.rsplit(":", 1)
        self.port, self.timeout, self.connection = int(port), timeout, None

    def get(self, path, keep=True):
        """Status, body and headers; the body is read and let go when it is not to be kept."""
        for attempt in (0, 1):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            try:
                self.connection.request("GET", path)
                answer = self.connection.getresponse()
                if keep:
                    return answer.status, answer.read(), answer.headers
                while answer.read(1 << 20):
                    pass
                return answer.status, b"", answer.headers
            except (http.client.HTTPException, OSError):
                self.connection.close()
                self.connection = None
                if attempt:
                    raise


def start(recto, library, state, options, join=None):
    """The process and its address, once it listens; neither when it does not. `join` is called in the new process before."""
    command = [recto, "serve", library, "--listen", "127.0.0.1:0", "--state", state, "--set", "source.symlinks=follow"]
    for option in options:
        command += ["--set", option]
    with open(log_of(state), "w") as log:
        server = subprocess.Popen(command, stderr=log, stdout=subprocess.DEVNULL, preexec_fn=join)
    for _ in range(600):
        with open(log_of(state)) as log:
            found = re.search(r"listening on (\S+)", log.read())
        if found:
            return server, found.group(1)
        if server.poll() is not None:
            break
        time.sleep(0.05)
    server.kill()
    server.wait()
    with open(log_of(state)) as log:
        print(log.read(), file=sys.stderr)
    return None, None


def log_of(state):
    return state + ".log"


def stop(server, seconds=60):
    server.terminate()
    try:
        server.wait(seconds)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def shares(memory_mib):
    """Options for a server that is to stay within so much memory: half for pixels at work, an eighth each for what decoders remember
    and for derivatives; the rest is the program, its threads and what the system's allocator keeps."""
    return [f"work.memory={memory_mib // 2} MiB", f"work.memo={memory_mib // 8} MiB", f"cache.max_memory={memory_mib // 8} MiB"]


def rss_mib(pid, field="VmRSS"):
    """Resident memory now; with `VmHWM` the most that it ever was, which no look at intervals can miss."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(field + r":\s+(\d+)", status.read()).group(1)) / 1024


def metrics(client):
    lines = client.get("/metrics")[1].decode().splitlines()
    pairs = (line.split(" ") for line in lines if line and not line.startswith("#") and "{" not in line)
    return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2}


def rest(client, seconds=900):
    """Waits until the work is done that nobody waits for; False when it is not done in that time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        counted = metrics(client)
        if not any(counted.get(f"recto_work_background_{what}") for what in ("waiting", "running")):
            return True
        time.sleep(0.2)
    return False


def quantile(seconds, part):
    """In milliseconds."""
    return sorted(seconds)[min(int(len(seconds) * part), len(seconds) - 1)] * 1000 if seconds else float("nan")
