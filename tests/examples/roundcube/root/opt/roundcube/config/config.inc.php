<?php
$config = [];
$config['db_dsnw'] = 'mysql://roundcube:Wyk4-ebb-flood@db.example.org/roundcubemail';
$config['imap_host'] = 'ssl://imap.example.org:993';
$config['smtp_host'] = 'tls://smtp.example.org:587';
$config['des_key'] = 'nE3vR7wQ1zLk9sXcT5yUbH2m';
$config['log_dir'] = '/opt/roundcube/logs/';
$config['temp_dir'] = '/opt/roundcube/temp/';
