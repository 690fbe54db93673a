# A database: users, a socket, and a directory of data that an installation has filled.
scope=(--package mariadb-server --package mariadb-common)
first="mariadb -e 'create database if not exists t; create table if not exists t.x (word char(9)); insert into t.x values (\"kept\"); select * from t.x'"
answer=kept
second="mariadb -e 'select * from t.x'"
after=kept
