# A small server without settings; it keeps nothing unless it is told to.
scope=(--package beanstalkd)
first="perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(\"127.0.0.1:11300\") ? \"up\" : \"down\"'"
answer=up
second=$first
after=up
