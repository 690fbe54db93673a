# Java with its own unit; it answers, and keeps nothing that a client gave it.
scope=(--package jetty9)
get='use IO::Socket::INET; my $s = IO::Socket::INET->new("127.0.0.1:8080") or die; print $s "GET / HTTP/1.0\r\n\r\n"; print scalar <$s>'
first="perl -e '$get'"
answer='HTTP/1.1 200'
second=$first
after=$answer
