#!/usr/bin/python2
"""Prints the night's report, or mails it."""

import smtplib
import sys

SUMMARY = "/usr/local/batch/out/summary.csv"
STAMP = "/mnt/nfs/share/outbound/last-report"


def text():
    with open(SUMMARY) as source:
        return "".join(line.replace(";", "\t") for line in source)


def main():
    if "--mail" in sys.argv[1:]:
        server = smtplib.SMTP("10.44.0.12", 25)
        server.sendmail("batch@example.org", ["accounts@example.org"], "Subject: nightly report\n\n" + text())
        server.quit()
        with open(STAMP, "w") as stamp:
            stamp.write("sent\n")
    else:
        sys.stdout.write(text())


if __name__ == "__main__":
    main()
