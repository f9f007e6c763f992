"""A stock MLflow server of our own, from the Python that runs the tests."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

VERSION = "3.18.0"
NEEDED = ("mlflow", "flask", "sqlalchemy", "alembic", "graphene", "uvicorn", "fastapi")


def wait_until_answering(url, seconds, process=None):
    """Wait for a server's /health; false if it does not come up in time."""
    end = time.time() + seconds
    while time.time() < end:
        if process is not None and process.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    return False


# Lets webhooks post to this machine, which both servers refuse otherwise.
LOOPBACK = {"MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true", "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https", "MLFLOW_WEBHOOK_CACHE_TTL": "0"}


class StockServer:
    """Starts on a free port with an empty database, and takes everything away at the end."""

    def __init__(self, webhooks_to_loopback=False):
        self.more = LOOPBACK if webhooks_to_loopback else {}

    def __enter__(self):
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise SystemExit(
                f"This Python cannot run a stock MLflow server: {', '.join(missing)} missing. Install mlflow=={VERSION} with "
                "all that it needs, or name a running server with --stock URL."
            )
        # In memory where that is possible: the stock server forces every write to the disk, and that is most of its time.
        self.folder = tempfile.mkdtemp(prefix="stock-mlflow-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")},
            "MLFLOW_DISABLE_TELEMETRY": "true",
            # Jobs are out of scope, and their dozen consumer processes would double the time to start.
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            # Prices of models come from the package, not from the network.
            "MLFLOW_MODEL_CATALOG_URI": "",
            "GIT_PYTHON_REFRESH": "quiet",
            **self.more,
        }
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--artifacts-destination", f"{self.folder}/artifacts",
        ]
        self.log = open(os.path.join(self.folder, "log.txt"), "wb")
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=subprocess.STDOUT, env=environment, cwd=self.folder, start_new_session=True
        )
        if not wait_until_answering(self.url, 180, self.process):
            self.log.flush()
            with open(self.log.name, "rb") as log:
                tail = log.read()[-3000:].decode(errors="replace")
            self.__exit__()
            raise SystemExit(f"The stock MLflow server did not start:\n{tail}")
        return self.url

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
