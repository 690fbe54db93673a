# Java, started by a unit that an administrator wrote: the package has none. He also moves the data out
# of /tmp, as the package's settings tell him: they are an example.
scope=(--unit zookeeper --package zookeeper)
setup() {
    cat >"$1/etc/systemd/system/zookeeper.service" <<'UNIT'
[Unit]
Description=ZooKeeper
[Service]
User=zookeeper
ExecStart=/usr/share/zookeeper/bin/zkServer.sh start-foreground
SuccessExitStatus=143
[Install]
WantedBy=multi-user.target
UNIT
    sed -i 's|^dataDir=.*|dataDir=/var/lib/zookeeper|' "$1/etc/zookeeper/conf_example/zoo.cfg"
}
client='/usr/share/zookeeper/bin/zkCli.sh -server 127.0.0.1:2181'
first="printf 'create /a kept\nget /a\n' | timeout 20 $client"
answer=kept
second="echo get /a | timeout 20 $client"
after=kept
