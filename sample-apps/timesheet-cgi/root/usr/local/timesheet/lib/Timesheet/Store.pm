package Timesheet::Store;

# Flat files: one line for each entry, one file for each month, one lock for all.
# All paths are relative to the home directory, into which every program changes first.

use strict;
use warnings;
use Fcntl qw(:flock);

sub new {
    my ($class, $conf) = @_;
    return bless { dir => $conf->{data_dir} }, $class;
}

sub lock {
    my ($self) = @_;
    open($self->{lock}, '>', "$self->{dir}/.lock") or die "cannot lock: $!";
    flock($self->{lock}, LOCK_EX);
}

sub unlock {
    my ($self) = @_;
    close($self->{lock});
}

sub staff {
    my ($self) = @_;
    my %staff;
    open(my $in, '<', "$self->{dir}/staff.txt") or die "no staff list: $!";
    while (<$in>) {
        chomp;
        my ($id, $name, $mail) = split /\|/;
        $staff{$id} = { name => $name, mail => $mail };
    }
    close($in);
    return \%staff;
}

sub add {
    my ($self, $year, $month, @entry) = @_;
    $self->lock;
    mkdir "$self->{dir}/$year";
    open(my $out, '>>', "$self->{dir}/$year/$month.txt") or die "cannot save: $!";
    print $out join('|', @entry), "\n";
    close($out);
    $self->unlock;
}

sub entries {
    my ($self, $year, $month) = @_;
    open(my $in, '<', "$self->{dir}/$year/$month.txt") or return ();
    my @entries = map { chomp; [ split /\|/ ] } <$in>;
    close($in);
    return @entries;
}

# A closed month takes no more entries: its file is renamed.
sub close_month {
    my ($self, $year, $month) = @_;
    $self->lock;
    rename "$self->{dir}/$year/$month.txt", "$self->{dir}/$year/$month.closed";
    $self->unlock;
}

1;
