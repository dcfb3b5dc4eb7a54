import importlib.util
import os
import sys

import pytest

if importlib.util.find_spec("pyspark") is None:  # CI runs the other slow tests without Spark and Java
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def spark():
    """Start Spark with two workers in separate processes, which communicate over the network as on Glue."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable  # the interpreter of the workers, which import the tested code
    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.default.parallelism", "2")
        .config("spark.sql.codegen.wholeStage", "false")  # compilation takes longer here than it saves
        # the optimisation of compiled code also takes longer than it saves
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.executor.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
