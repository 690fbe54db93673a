#!/usr/bin/perl
# A month's hours and their cost.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use CGI;
use Timesheet::Config;
use Timesheet::Payroll;
use Timesheet::Store;

chdir "$FindBin::Bin/.." or die "no home: $!";
my $conf  = Timesheet::Config::load();
my $store = Timesheet::Store->new($conf);
my $rates = Timesheet::Payroll::rates($conf);
my $q     = CGI->new;
my ($year, $month) = (($q->param('month') || '') =~ /^(\d{4})-(\d\d)$/);

print $q->header('text/plain');
my %cost;
for my $entry ($store->entries($year, $month)) {
    my ($day, $staff, $project, $hours) = @$entry;
    $cost{$project} += $hours * ($rates->{$staff} || 0);
}

# The report is kept beside the entries, so that a month is computed once.
open(my $out, '>', "data/report-$year$month.txt") or die "cannot keep the report: $!";
for my $project (sort keys %cost) {
    my $line = sprintf "%-12s %10.2f\n", $project, $cost{$project};
    print $line;
    print $out $line;
}
close($out);
