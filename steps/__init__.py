"""What stays at home: reading, checking, tracking, plots, gates and the registry."""

import os

# before scikit-learn loads OpenMP: its threads else wait for each other by spinning, at thousands
# of small steps; with other processes on the cores, a fit of seconds then takes five times as long
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# before MLflow is imported: it tells its makers of each run, unless told not to; a step asks no
# host but those that its parameters name
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
