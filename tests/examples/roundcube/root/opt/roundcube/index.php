<?php
require_once 'program/include/iniset.php';
