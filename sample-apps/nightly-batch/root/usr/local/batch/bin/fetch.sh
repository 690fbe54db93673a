#!/bin/bash
# Fetches the day's files from the ERP host and from the share. Started as user batch.

. /usr/local/batch/lib/common.sh
WORK=$1

scp -q -i /home/batch/.ssh/id_rsa -o StrictHostKeyChecking=no \
    batch@10.44.0.20:/data/export/*.csv /home/batch/spool/ || exit 1
ssh -i /home/batch/.ssh/id_rsa batch@10.44.0.20 'rm -f /data/export/*.csv'
cp $SHARE/inbound/*.csv /home/batch/spool/ && rm -f $SHARE/inbound/*.csv
tar czf /home/batch/spool/all-$(date +%Y%m%d).tar.gz /home/batch/spool/*.csv
mv /home/batch/spool/*.csv $WORK/
date > /home/batch/.last-fetch
