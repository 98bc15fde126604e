"""The servers: `with` starts one, with nothing in its caches, and stops all its processes."""
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from beside.library import QUALITY, pages
from pictures import Trouble

CORES, TICKS = os.cpu_count(), os.sysconf("SC_CLK_TCK")
HERE = os.path.dirname(os.path.abspath(__file__))

NGINX = """daemon off; USER worker_processes CORES; pid nginx.pid; error_log nginx.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types { image/jpeg jpg; application/json json; }
  client_body_temp_path body; fastcgi_temp_path fastcgi; proxy_temp_path proxy; scgi_temp_path scgi; uwsgi_temp_path uwsgi;
  server { listen 127.0.0.1:PORT; location /iiif/ { LOCATION } }
}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Server:
    prefix = "/iiif/"

    def __init__(self, folder, *programs):
        self.folder, self.programs, self.version = folder, programs, None
        self.images, self.tree = os.path.join(folder, "images"), os.path.join(folder, "tree")

    def __enter__(self):
        self.port, self.processes = free_port(), []
        self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        self.work = tempfile.mkdtemp(prefix=f"{self.name}-", dir=self.folder)
        self.log = open(os.path.join(self.folder, f"{self.name}.log"), "w")
        try:
            self.launch()
            self.await_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.client.close()
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.log.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def spawn(self, *command, stdin=subprocess.DEVNULL, **environment):
        # In a session of its own: Ctrl-C reaches this program alone, which then stops the others.
        self.processes.append(subprocess.Popen(command, cwd=self.work, env={**os.environ, **environment}, stdin=stdin, stdout=self.log,
                                               stderr=self.log, start_new_session=True))

    def spawn_nginx(self, location):
        text = NGINX.replace("USER", "user root;" if os.geteuid() == 0 else "").replace("CORES", str(CORES))
        with open(os.path.join(self.work, "nginx.conf"), "w") as file:
            file.write(text.replace("PORT", str(self.port)).replace("LOCATION", location))
        self.spawn(self.programs[0], "-p", self.work, "-e", "nginx.log", "-c", "nginx.conf")

    def await_ready(self):
        """Until it answers, and has done what it does of itself after a start."""
        path = f"{self.prefix}{pages('tif')[0]}/info.json"
        for _ in range(300):
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get(path)[0] == 200:
                    break
            if any(process.poll() is not None for process in self.processes):
                raise Trouble(f"{self.name} ended at its start; see {self.name}.log in the folder named with --keep")
            time.sleep(0.1)
        else:
            raise Trouble(f"{self.name} does not answer `{path}`; see {self.name}.log in the folder named with --keep")
        self.settle()

    def settle(self):
        """Until it does nothing."""
        before, now = -1, 0
        while now - before > 0.02:
            before, now = self.cpu_seconds(), time.sleep(0.5) or self.cpu_seconds()

    def get(self, path):
        try:
            self.client.request("GET", path)
            answer = self.client.getresponse()
            self.version = answer.headers["Server"] or self.version
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.client.close()
            raise

    def has(self, path):
        return True

    def read(self, file):
        """A file of /proc for each of its processes: those started here, and what they started."""
        pids = [process.pid for process in self.processes]
        for pid in pids:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as children:
                    pids += map(int, children.read().split())
            with open(f"/proc/{pid}/{file}") as text:
                yield text.read()

    def cpu_seconds(self):
        return sum(sum(map(int, text.rsplit(")", 1)[1].split()[11:15])) for text in self.read("stat")) / TICKS

    def memory_mib(self):
        """Resident; what processes share counts once (Pss)."""
        return sum(int(text.split("\nPss:")[1].split()[0]) for text in self.read("smaps_rollup")) / 1024


class Nginx(Server):
    """Files that were cut before."""
    kind = name = "nginx"

    def launch(self):
        self.spawn_nginx(f"root {self.tree};")

    def has(self, path):
        return os.path.exists(self.tree + path)


class Iipsrv(Server):
    """A process for each core behind nginx, all of which take connections from one socket."""
    kind = name = "iipsrv"

    def launch(self):
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
            for _ in range(CORES):
                self.spawn(self.programs[1], stdin=listener, FILESYSTEM_PREFIX=self.images + "/", URI_MAP="iiif=>IIIF",
                           JPEG_QUALITY=str(QUALITY), MAX_CVT="30000", MAX_LAYERS="-1", OMP_NUM_THREADS="1", VERBOSITY="0",
                           LOGFILE=os.path.join(self.work, "iipsrv.log"))
            fields = ("REQUEST_METHOD", "QUERY_STRING", "REQUEST_URI", "SERVER_PROTOCOL", "HTTP_HOST")
            passed = " ".join(f"fastcgi_param {field} ${field.lower()};" for field in fields)
            held = "fastcgi_buffers 64 64k; fastcgi_buffer_size 64k; fastcgi_max_temp_file_size 0; fastcgi_read_timeout 300;"
            self.spawn_nginx(f"fastcgi_pass 127.0.0.1:{listener.getsockname()[1]}; {held} {passed}")


class Sharp(Server):
    """iiif-processor on Node, with sharp opening the file; sharp encodes at quality 80 unless told otherwise."""
    kind, name, prefix = "sharp", "sharp", "/iiif/3/"

    def launch(self):
        node, modules = self.programs
        self.spawn(node, os.path.join(HERE, "sharp.js"), str(self.port), self.images, NODE_PATH=modules)


class Recto(Server):
    kind, name, prefix = "recto", "recto", "/iiif/3/"

    def launch(self):
        self.spawn(self.programs[0], "serve", self.images, "--listen", f"127.0.0.1:{self.port}",
                   "--state", os.path.join(self.work, "state"), "--set", f"image.jpeg_quality={QUALITY}")
