#!/usr/bin/perl
# Reminds those who have no entry this month. Started by cron, in the home directory.

use strict;
use warnings;
use lib 'lib';
use POSIX qw(strftime);
use Timesheet::Config;
use Timesheet::Mail;
use Timesheet::Store;

my $conf  = Timesheet::Config::load();
my $store = Timesheet::Store->new($conf);
my $staff = $store->staff;
my %seen  = map { $_->[1] => 1 } $store->entries(split /-/, strftime('%Y-%m', localtime));

for my $id (sort keys %$staff) {
    next if $seen{$id};
    Timesheet::Mail::send_mail($conf, $staff->{$id}{mail}, 'Your hours', "No hours yet this month.\n");
    print "reminded $id\n";
}
