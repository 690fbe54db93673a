package Timesheet::Config;

# Reads etc/timesheet.conf: "key = value" lines.

use strict;
use warnings;

our $HOME = $ENV{TIMESHEET_HOME} || '/usr/local/timesheet';

sub load {
    my %conf;
    open(my $in, '<', "$HOME/etc/timesheet.conf") or die "no settings: $!";
    while (<$in>) {
        next if /^\s*(#|$)/;
        $conf{$1} = $2 if /^\s*(\w+)\s*=\s*(.*?)\s*$/;
    }
    close($in);
    return \%conf;
}

1;
