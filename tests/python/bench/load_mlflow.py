"""Fill the database of a stock MLflow server with the benchmark's data, through MLflow's own tables and in bulk.

Through its HTTP API the same takes some ten minutes. The server must not be running; its tables must be there.

    load_mlflow.py DATABASE FILE

FILE has one JSON object a line and run: its name, start and end (milliseconds since 1970), its experiment's id and artifact
location, and the bodies that log-batch would be called with. Prints a JSON object: the seconds it took, and the id of the run
on the last line.
"""

import json
import sys
import time
import uuid

import sqlalchemy
from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun, SqlTag
from sqlalchemy.orm import Session

# Rows kept before they are written.
ROWS = 50_000


def main() -> None:
    database, file = sys.argv[1:]
    started = time.monotonic()
    engine = sqlalchemy.create_engine(database)
    rows = {table: [] for table in (SqlRun, SqlMetric, SqlLatestMetric, SqlParam, SqlTag)}
    run_id = None

    with Session(engine) as session, open(file, encoding="utf-8") as lines:

        def write() -> None:
            # Runs come first in the dictionary: the other tables point to them.
            for table, waiting in rows.items():
                if waiting:
                    session.execute(sqlalchemy.insert(table), waiting)
                    waiting.clear()
            session.commit()

        for line in lines:
            run = json.loads(line)
            run_id = uuid.uuid4().hex
            rows[SqlRun].append(
                {
                    "run_uuid": run_id,
                    "name": run["name"],
                    "source_type": "UNKNOWN",
                    "source_name": "",
                    "entry_point_name": "",
                    "user_id": "",
                    "status": "FINISHED",
                    "start_time": run["start_time"],
                    "end_time": run["end_time"],
                    "source_version": "",
                    "lifecycle_stage": "active",
                    "artifact_uri": f"{run['artifact_location']}/{run_id}/artifacts",
                    "experiment_id": int(run["experiment_id"]),
                }
            )
            latest = {}
            rows[SqlTag].append({"run_uuid": run_id, "key": "mlflow.runName", "value": run["name"]})
            for batch in run["batches"]:
                for metric in batch["metrics"]:
                    row = {"run_uuid": run_id, "is_nan": False, **metric}
                    rows[SqlMetric].append(row)
                    # Steps only grow in the file.
                    latest[metric["key"]] = row
                rows[SqlParam].extend({"run_uuid": run_id, **param} for param in batch.get("params", []))
                rows[SqlTag].extend({"run_uuid": run_id, **tag} for tag in batch.get("tags", []))
            rows[SqlLatestMetric].extend(latest.values())
            if sum(len(waiting) for waiting in rows.values()) >= ROWS:
                write()
        write()

    engine.dispose()
    print(json.dumps({"seconds": time.monotonic() - started, "last_run": run_id}))


if __name__ == "__main__":
    main()
