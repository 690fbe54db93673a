#!/usr/bin/perl
# The entry form, and what it saves.

use strict;
use warnings;
use lib '/usr/local/timesheet/lib';
use CGI;
use CGI::Session;
use POSIX qw(strftime);
use Timesheet::Config;
use Timesheet::Store;

chdir $Timesheet::Config::HOME or die "no home: $!";
my $conf  = Timesheet::Config::load();
my $store = Timesheet::Store->new($conf);
my $q     = CGI->new;

mkdir $conf->{session_dir}, 0700;
my $session = CGI::Session->new('driver:File', $q, { Directory => $conf->{session_dir} });

if (($q->param('hours') || '') =~ /^(\d+(?:\.\d)?)$/) {
    my $hours = $1;
    my ($year, $month, $day) = split /-/, strftime('%Y-%m-%d', localtime);
    $store->add($year, $month, $day, $session->param('staff_id'), $q->param('project'), $hours);
    note("entry of " . $session->param('staff_id'));
}

print $session->header(-type => 'text/html', -charset => 'utf-8');
open(my $form, '<', "$conf->{template_dir}/form.html") or die "no form: $!";
print while <$form>;
close($form);

sub note {
    my ($what) = @_;
    open(my $log, '>>', 'log/timesheet.log') or return;
    print $log strftime('%Y-%m-%d %H:%M:%S', localtime), " $what\n";
    close($log);
}
