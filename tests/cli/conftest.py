"""What stands beside the tests of the command line."""

# Runs in Airflow's own environment, where test_airflow.py sends it.
collect_ignore = ["airflow_run.py"]
