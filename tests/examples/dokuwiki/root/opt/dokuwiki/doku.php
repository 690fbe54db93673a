<?php
if (!defined('DOKU_INC')) define('DOKU_INC', __DIR__ . '/');
require_once(DOKU_INC . 'inc/init.php');
include('/opt/dokuwiki/conf/dokuwiki.php');
include('/opt/dokuwiki/conf/local.php');
$users = file('/opt/dokuwiki/conf/users.auth.php');
