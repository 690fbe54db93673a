package Timesheet::Payroll;

# The hourly rate of each member of staff, from the payroll database.

use strict;
use warnings;
use DBI;

sub rates {
    my ($conf) = @_;
    my $db = DBI->connect($conf->{db_dsn}, $conf->{db_user}, $conf->{db_password}, { RaiseError => 1 });
    my $rows = $db->selectall_arrayref('SELECT staff_id, rate FROM rates WHERE valid_to IS NULL');
    $db->disconnect;
    return { map { $_->[0] => $_->[1] } @$rows };
}

1;
