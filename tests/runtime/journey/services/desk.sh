# A home-made installation of two programs under supervisord, in Ruby and Perl: the one serves, the
# other, which listens to the loopback address alone, keeps the entries.
packages="supervisor ruby ruby-webrick perl"
scope=(/srv/desk)
port=9401
reach=inside
# Of its processes, the one that its clients ask.
process=desk-web
install_old() {
    at_old "$1" useradd -r -d /srv/desk -s /usr/sbin/nologin desk
    file "$1" /srv/desk/web.rb <<'TEXT'
require 'webrick'
require 'socket'
require_relative 'lib/store'

port = ARGV[0].to_i
server = WEBrick::HTTPServer.new(Port: port, BindAddress: '0.0.0.0', AccessLog: [], Logger: WEBrick::Log.new($stderr, 2))
store = Store.new(*ENV.fetch('DESK_STORE').split(':'))
server.mount_proc('/') do |request, response|
  store.add(request.query['word']) if request.query['word']
  response.body = "The book of the desk\n" + store.all
end
trap('INT') { server.shutdown }
trap('TERM') { server.shutdown }
server.start
TEXT
    file "$1" /srv/desk/lib/store.rb <<'TEXT'
class Store
  def initialize(host, port)
    @host, @port = host, port.to_i
  end

  def add(word) = ask("add #{word}")
  def all = ask('all')

  private

  def ask(line)
    TCPSocket.open(@host, @port) { |socket| socket.puts(line); socket.close_write; socket.read }
  end
end
TEXT
    file "$1" /srv/desk/bin/store.pl 755 <<'TEXT'
#!/usr/bin/perl
use strict;
use warnings;
use IO::Socket::INET;
use FindBin;
use lib "$FindBin::Bin/../perl";
use Desk::Book;

my ($port, $path) = @ARGV;
my $book = Desk::Book->new($path);
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 8, ReuseAddr => 1)
    or die "port $port: $!";
$SIG{INT} = sub { exit 0 };
while (my $client = $server->accept) {
    my $line = <$client> // '';
    $book->add($1) if $line =~ /^add (\w+)/;
    print $client $book->all;
    close $client;
}
TEXT
    file "$1" /srv/desk/perl/Desk/Book.pm <<'TEXT'
package Desk::Book;
use strict;
use warnings;

sub new { my ($class, $path) = @_; return bless { path => $path }, $class }

sub add {
    my ($self, $word) = @_;
    open my $out, '>>', $self->{path} or die "$self->{path}: $!";
    print $out "$word\n";
    close $out;
}

sub all {
    my $self = shift;
    open my $in, '<', $self->{path} or return '';
    local $/;
    return <$in>;
}
1;
TEXT
    file "$1" /etc/supervisor/conf.d/desk.conf <<'TEXT'
[program:desk-store]
command=/usr/bin/perl bin/store.pl 9402 book/entries.txt
directory=/srv/desk
user=desk
stopsignal=INT
autorestart=true

[program:desk-web]
command=/usr/bin/ruby /srv/desk/web.rb 9401
directory=/srv/desk
user=desk
environment=DESK_STORE="127.0.0.1:9402"
stdout_logfile=/var/log/desk/web.log
autorestart=true
TEXT
    mkdir -p "$1/srv/desk/book" "$1/var/log/desk"
    at_old "$1" chown -R desk: /srv/desk/book /var/log/desk
}
begin() { at_old "$1" /etc/init.d/supervisor start; }
seed() { curl -s --noproxy '*' 'http://127.0.0.1:9401/?word=kept' | grep kept; }
end() { at_old "$1" supervisorctl shutdown; }
ask() { url http://127.0.0.1:9401/; }
wanted=kept
write() { url 'http://127.0.0.1:9401/?word=fresh'; }
written=fresh
ask_new() { ask; }
wanted_new=fresh
