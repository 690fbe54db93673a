#!/usr/bin/perl
# Closes last month's file and mails the administrator. Started by cron, in the home directory.

use strict;
use warnings;
use lib 'lib';
use POSIX qw(strftime);
use Timesheet::Config;
use Timesheet::Mail;
use Timesheet::Store;

my $conf  = Timesheet::Config::load();
my $store = Timesheet::Store->new($conf);
my ($year, $month) = split /-/, strftime('%Y-%m', localtime(time - 86_400));

$store->close_month($year, $month);
open(my $state, '>', 'data/last-closed') or die "cannot save: $!";
print $state "$year-$month\n";
close($state);
system("gzip -c data/$year/$month.closed > data/$year/$month.gz") == 0 or warn "not compressed\n";
Timesheet::Mail::send_mail($conf, $conf->{admin}, "Month $year-$month closed", "No more entries are taken.\n");
