#!/usr/bin/python2
"""Loads the night's files into the batch user's own database."""

import csv
import glob
import os
import shutil
import sqlite3
import sys
import tempfile

DATABASE = "/home/batch/batch.db"
OUT = "/usr/local/batch/out"


def load(work):
    db = sqlite3.connect(DATABASE)
    db.execute("CREATE TABLE IF NOT EXISTS booking (account TEXT, amount REAL)")
    for name in sorted(glob.glob(os.path.join(work, "*.csv"))):
        with open(name) as source:
            db.executemany("INSERT INTO booking VALUES (?, ?)", csv.reader(source))
        shutil.move(name, os.path.join(OUT, "loaded", os.path.basename(name)))
    db.commit()
    return db


def summary(db):
    """Written beside its place and moved there, so that nobody reads half of it."""
    handle, name = tempfile.mkstemp(dir="/var/tmp", prefix="batch-summary.")
    with os.fdopen(handle, "w") as out:
        for account, amount in db.execute("SELECT account, SUM(amount) FROM booking GROUP BY account"):
            out.write("%s;%.2f\n" % (account, amount))
    shutil.move(name, OUT + "/summary.csv")


if __name__ == "__main__":
    if not os.path.isdir(OUT + "/loaded"):
        os.makedirs(OUT + "/loaded")
    summary(load(sys.argv[1]))
