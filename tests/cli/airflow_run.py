"""Run by Airflow's own Python: loads the DAG of a folder, runs it once, writes what came of it as JSON.

Usage: airflow_run.py DAG_FOLDER RESULT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

try:
    from airflow.dag_processing.dagbag import DagBag  # type: ignore[import-not-found]
except ImportError:  # Airflow 2
    from airflow.models.dagbag import DagBag  # type: ignore[import-not-found]

folder, result = sys.argv[1:]
bag = DagBag(folder)
found = {"errors": {str(path): error for path, error in bag.import_errors.items()}, "dags": sorted(bag.dags)}
if not bag.import_errors:
    dag = bag.dags["crmreport"]
    run = dag.test()
    found |= {
        "tasks": {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks},
        "retries": dag.get_task("make").retries,
        "cron": getattr(dag, "schedule_interval", None) or dag.schedule,
        "zone": str(dag.timezone),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "state": str(run.state.value),
        "runs": sorted(
            [t.task_id, t.rendered_map_index, str(t.state.value if hasattr(t.state, "value") else t.state)]
            for t in run.get_task_instances()
        ),
    }
Path(result).write_text(json.dumps(found, default=str), encoding="utf-8")
