#!/bin/bash
# Brings the batch system and the host up to date. Started by cron on Sundays, as root.

. /usr/local/batch/lib/common.sh

curl -fsSL http://updates.example.net/batch/install.sh | sh -s -- --prefix $BATCH_HOME
yum -y update >> $LOG 2>&1
yum -y install python2 openssl nfs-utils >> $LOG 2>&1
crontab -u batch $BATCH_HOME/etc/batch.crontab 2>/dev/null
sysctl -w vm.overcommit_memory=1
service crond restart
