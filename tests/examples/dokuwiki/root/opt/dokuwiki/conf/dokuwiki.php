<?php
$conf['title'] = 'Wiki';
$conf['savedir'] = './data';
$conf['dmode'] = 0755;
