#!/bin/bash
# The night's work: fetch, load, report, ship, clean up. Started by cron, as root.

. /usr/local/batch/lib/common.sh

PID_FILE=/var/run/nightly-batch.pid
if [ -f $PID_FILE ] && kill -0 "$(cat $PID_FILE)" 2>/dev/null; then
    fail "still running"
fi
echo $$ > $PID_FILE
trap 'rm -rf $WORK $PID_FILE' EXIT
mkdir -p $WORK $OUT_DIR

# A new certificate for each night: the transfer partner wants them short-lived.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$(hostname -f)" \
    -keyout $BATCH_HOME/tls/batch.key -out $BATCH_HOME/tls/batch.crt 2>> $LOG || fail "no certificate"

. $STATE
say "started, last run $LAST_RUN"

# The database must be still while the files are fetched.
systemctl stop erp-agent
su - batch -c "$BATCH_HOME/bin/fetch.sh $WORK" || fail "fetch"
systemctl start erp-agent

$BATCH_HOME/bin/load.py $WORK || fail "load"
$BATCH_HOME/bin/report.py > $OUT_DIR/report-$(date +%Y%m%d).txt
cp $OUT_DIR/report-$(date +%Y%m%d).txt $SHARE/outbound/
curl -s --cert $BATCH_HOME/tls/batch.crt --key $BATCH_HOME/tls/batch.key \
    -T $OUT_DIR/report-$(date +%Y%m%d).txt ftp://$ERP_USER:$FTP_PASSWORD@10.44.0.31/in/

# The state is kept where every host keeps it.
{
    echo "LAST_RUN=$(date +%Y%m%d)"
    echo "LAST_SERIAL=$((LAST_SERIAL + 1))"
} > $STATE

find $OUT_DIR -name 'report-*' -mtime +$KEEP_DAYS -delete
find /home/batch/spool -type f -mtime +$KEEP_DAYS | xargs rm -f
say "done"
