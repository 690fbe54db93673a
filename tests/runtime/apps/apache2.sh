# A server that goes into the background, settings with directories, and logs.
scope=(--package apache2)
get='use IO::Socket::INET; my $s = IO::Socket::INET->new("127.0.0.1:80") or die; print $s "GET /$ARGV[0] HTTP/1.0\r\n\r\n"; print scalar <$s>'
first="perl -e '$get' ?first; sleep 1; tail -1 /var/log/apache2/access.log"
answer='?first HTTP/1.0" 200'
second="perl -e '$get' ?second | grep -q 200 && grep -c -F '?first' /var/log/apache2/access.log"
after=1
