<?php
define('INSTALL_PATH', realpath(__DIR__ . '/../..') . '/');
