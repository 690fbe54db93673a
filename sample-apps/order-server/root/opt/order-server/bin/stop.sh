#!/bin/sh
# Asks the server to stop.
ORDER_HOME=${ORDER_HOME:-/opt/order-server}
kill "$(cat "$ORDER_HOME/temp/order-server.pid")"
