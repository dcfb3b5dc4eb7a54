"""Spark for Glue jobs: the installed PySpark, with `s3://` mapped to directories."""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path


class SparkMissing(Exception): ...


def check_spark() -> None:
    if importlib.util.find_spec("pyspark") is None:
        raise SparkMissing("a Glue job of Spark needs PySpark here; install it with: pip install pyspark==3.5.4")
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home) / "bin") if home else None) is None:
        raise SparkMissing(
            "a Glue job of Spark needs Java 17 here;"
            " install it, on Debian with: apt-get install openjdk-17-jre-headless"
        )


def write_spark_defaults(directory: Path, buckets: Mapping[str, Path], *, more: str = "") -> None:
    """Write the configuration that spark-submit reads from SPARK_CONF_DIR.

    Hadoop's view file system mounts the directory of each bucket in place of S3. `more` is the job's `--conf`: pairs
    `name=value`, separated by `--conf`.
    """
    settings = {
        "spark.master": "local[2]",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": f"{directory}/spark",
        "spark.sql.warehouse.dir": f"{directory}/warehouse",
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    }
    for bucket, place in buckets.items():
        settings[f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"] = place.as_uri()
    for setting in more.split("--conf"):
        name, _, value = setting.strip().partition("=")
        if name:
            settings[name] = value
    lines = (f"{name} {value}\n" for name, value in settings.items())
    (directory / "spark-defaults.conf").write_text("".join(lines), encoding="utf-8")
