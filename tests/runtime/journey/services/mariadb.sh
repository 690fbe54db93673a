# A database that listens to its network; its users are in its data.
packages=mariadb-server
scope=(--package mariadb-server)
port=3306
reach=outside
install_old() {
    sed -i 's/^bind-address .*/bind-address = 0.0.0.0/' "$1/etc/mysql/mariadb.conf.d/50-server.cnf"
}
begin() { at_old "$1" /etc/init.d/mariadb start; }
seed() {
    at_old "$1" mariadb -e "create database shop; create user shop@'%' identified by 'old-password';
        grant all on shop.* to shop@'%'; create table shop.orders (word char(9)); insert into shop.orders values ('kept')"
}
end() { at_old "$1" /etc/init.d/mariadb stop; }
sql() { client mariadb -h 127.0.0.1 -u shop -pold-password shop -e "$1"; }
ask() { sql 'select * from orders'; }
wanted=kept
write() { sql "insert into orders values ('fresh'); select count(*) from orders"; }
written=2
ask_new() { ask; }
wanted_new=fresh
