'use strict';
const fs = require('fs');
const http = require('http');
const settings = JSON.parse(fs.readFileSync('/opt/etherpad/settings.json', 'utf8'));
fs.writeFileSync('/opt/etherpad/APIKEY.txt', 'key');
http.createServer((q, r) => r.end('pad')).listen({ port: settings.port, host: settings.ip });
