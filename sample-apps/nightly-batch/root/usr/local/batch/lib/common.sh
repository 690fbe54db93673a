# Sourced by the scripts of the batch system.

BATCH_HOME=/usr/local/batch
STATE=/etc/batch.state
LOG=/var/log/batch.log
WORK=/var/tmp/batch.$$
. $BATCH_HOME/etc/batch.conf

say() {
    echo "$(date '+%Y-%m-%d %H:%M:%S') $*" >> $LOG
}

fail() {
    say "FAILED: $*"
    echo "$*" | mail -s "batch failed on $(hostname)" batch-admin@example.org
    exit 1
}
