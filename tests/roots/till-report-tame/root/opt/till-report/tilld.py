#!/usr/bin/python3
import socket
s = socket.socket()
s.bind(("0.0.0.0", 8515))
s.listen(5)
with open("/var/lib/till-report/totals.dat", "a") as out:
    out.write("0\n")
