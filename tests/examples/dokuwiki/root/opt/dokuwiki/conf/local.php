<?php
$conf['title'] = 'Harbour notes';
$conf['useacl'] = 1;
