# A database of instances: a template of units, settings in /etc, a cluster that its package makes.
packages=postgresql
scope=(--package postgresql-15)
port=5432
reach=outside
install_old() {
    sed -i "s/^#listen_addresses .*/listen_addresses = '*'/" "$1/etc/postgresql/15/main/postgresql.conf"
    echo 'host all all 0.0.0.0/0 scram-sha-256' >>"$1/etc/postgresql/15/main/pg_hba.conf"
}
begin() { at_old "$1" /etc/init.d/postgresql start; }
seed() {
    at_old "$1" su postgres -c "psql -c \"create role shop login password 'old-password'\" -c 'create database shop owner shop'" &&
        at_old "$1" env PGPASSWORD=old-password psql -h 127.0.0.1 -U shop shop \
            -c 'create table orders (word text)' -c "insert into orders values ('kept')"
}
end() { at_old "$1" /etc/init.d/postgresql stop; }
sql() { client env PGPASSWORD=old-password psql -h 127.0.0.1 -U shop shop -c "$1"; }
ask() { sql 'select * from orders'; }
wanted=kept
write() { sql "insert into orders values ('fresh')"; }
written='INSERT 0 1'
ask_new() { ask; }
wanted_new=fresh
