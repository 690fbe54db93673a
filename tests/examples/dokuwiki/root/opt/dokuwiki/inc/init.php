<?php
$conf['savedir'] = DOKU_INC . 'data';
file_put_contents($conf['savedir'] . '/cache/purgefile', time());
