"""Score a table of posts on Spark with a registered model, one column a label.

    MLFLOW_TRACKING_URI=sqlite:///models/store/mlflow.db \\
        python spark_score.py models:/NAME@champion posts.parquet scores

Every executor needs narraframe, its encoder and Java 17; the store and the files must be seen by
all of them. The texts are cleaned and their languages detected as by `narraframe score`, and posts
without a score have null in every column; what needs all posts at once (ids read twice, copies of
training posts) is left to that command. "local[2]" is this machine: set --master for a cluster.
"""

from __future__ import annotations

import argparse
import os
import sys

import mlflow.pyfunc
from pyspark.sql import SparkSession, functions


def main() -> None:
    """Score the table that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="models:/NAME@champion")
    parser.add_argument("posts", help="Parquet with post_id and text")
    parser.add_argument("scores", help="a new folder")
    parser.add_argument("--master", default="local[2]")
    options = parser.parse_args()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    spark = (
        SparkSession.builder.master(options.master)
        .appName("narraframe")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        # what goes to the model at once: the more, the fuller its batches
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "2000")
        .getOrCreate()
    )
    # the signature gives the answer's columns; an array of floats could not hold null
    score = mlflow.pyfunc.spark_udf(spark, options.model, env_manager="local")
    posts = spark.read.parquet(options.posts)
    told = posts.select("post_id", score(functions.struct("text")).alias("p"))
    told.select("post_id", "p.*").write.parquet(options.scores)
    spark.stop()


if __name__ == "__main__":
    main()
