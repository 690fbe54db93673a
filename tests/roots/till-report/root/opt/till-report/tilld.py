#!/usr/bin/python3
import socket
import receipts
s = socket.socket()
s.bind(("0.0.0.0", 515))
s.listen(5)
with open("/opt/till-report/rates/table.py", "w") as out:
    out.write("RATE = 19\n")
with open("/opt/till-report/day/totals.dat", "a") as out:
    out.write("0\n")
import datetime
day = datetime.date.today().isoformat()
import os
os.makedirs("/opt/till-report/day/%s" % day)
with open("/opt/till-report/%s.state" % day, "w") as out:
    out.write(day)
