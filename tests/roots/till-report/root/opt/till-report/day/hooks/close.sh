#!/bin/sh
cat /opt/till-report/day/totals.dat
