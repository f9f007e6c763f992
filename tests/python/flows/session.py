"""What the flows share: the server, names of their own, and plain HTTP calls."""

import importlib.util
import json
import os
import urllib.error
import urllib.request
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_SYSTEM_METRICS_LOGGING", "true")
# What tokens cost is looked up in the package, not in the network.
os.environ.setdefault("MLFLOW_MODEL_CATALOG_URI", "")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import mlflow  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

FLOWS = []


class Session:
    """One pass over the flows against one server. `word` makes the names of this pass its own."""

    def __init__(self):
        self.url, self.word, self.flow = "", "", ""
        self.experiments = []
        # Digests of data that has generated identifiers in it.
        self.digests = []

    def begin(self, url, word):
        self.url, self.word = url.rstrip("/"), word
        mlflow.set_tracking_uri(self.url)
        mlflow.set_registry_uri(self.url)

    def enter(self, name):
        """Start a flow: what it leaves is found by the names it takes from here on."""
        self.flow, self.experiments, self.digests = name, [], []

    def named(self, word):
        """A name that no other flow and no other pass takes."""
        return f"{word}-{self.flow}-{self.word}"

    def experiment(self, word="main"):
        """A new experiment, set as the active one: its identifier."""
        found = mlflow.set_experiment(self.named(word)).experiment_id
        self.experiments.append(found)
        return found


session = Session()


def flow(*needs):
    """A flow, left out where one of these packages is not installed. Its name says what it does."""

    def add(function):
        function.needs = needs
        FLOWS.append(function)
        return function

    return add


def missing(function):
    """The packages that a flow needs and that are not here."""
    return [name for name in function.needs if importlib.util.find_spec(name) is None]


def call(path, body=None, method=None, raw=False):
    """A plain HTTP call that must succeed: its JSON, or with `raw` its type and bytes."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(session.url + path, data=data, method=method)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
            return (answer.headers["Content-Type"], content) if raw else json.loads(content)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{path} {body or ''}: {error.code} {error.read()[:500]}") from None


def refused(function, code):
    """Run what the server must refuse with this error code: the message."""
    try:
        function()
    except MlflowException as error:
        assert error.error_code == code, f"expected {code}, got {error.error_code}: {error}"
        return str(error)
    raise AssertionError(f"expected {code}, but it was allowed")
