#!/bin/sh
# Starts the order server in the foreground.

ORDER_HOME=${ORDER_HOME:-/opt/order-server}
JAVA_HOME=${JAVA_HOME:-/usr/lib/jvm/java-1.8.0}
ORDER_HEAP=${ORDER_HEAP:-1g}
PID_FILE=$ORDER_HOME/temp/order-server.pid

CLASSPATH=
for jar in "$ORDER_HOME"/lib/*.jar; do
    CLASSPATH=$CLASSPATH:$jar
done

cd "$ORDER_HOME" || exit 1
rm -rf "$ORDER_HOME"/temp/*
echo $$ > "$PID_FILE"

exec "$JAVA_HOME/bin/java" -server "-Xmx$ORDER_HEAP" \
    -XX:+HeapDumpOnOutOfMemoryError "-XX:HeapDumpPath=$ORDER_HOME/logs" \
    "-Xloggc:$ORDER_HOME/logs/gc.log" \
    "-Dorder.home=$ORDER_HOME" \
    "-Dlogback.configurationFile=$ORDER_HOME/conf/logback.xml" \
    "-Djava.io.tmpdir=$ORDER_HOME/temp" \
    "-Djava.library.path=$ORDER_HOME/lib/native" \
    "-Djavax.net.ssl.keyStore=$ORDER_HOME/ssl/orders.jks" \
    -Djavax.net.ssl.keyStorePassword=sample-only-not-a-password \
    -Dcom.sun.management.jmxremote.port=9010 \
    -Dcom.sun.management.jmxremote.authenticate=false \
    -Dcom.sun.management.jmxremote.ssl=false \
    -Djava.rmi.server.hostname=10.30.7.15 \
    -cp "$CLASSPATH" orders.Server "$ORDER_HOME/conf/server.xml" \
    >> "$ORDER_HOME/logs/console.out" 2>&1
