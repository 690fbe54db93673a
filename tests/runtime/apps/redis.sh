# A server with its own unit, settings that it rewrites, and a dump of its data.
scope=(--package redis-server)
first='redis-cli set a b && redis-cli save'
answer=OK
second='redis-cli get a'
after=b
