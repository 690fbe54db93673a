package Timesheet::Mail;

# Sends mail through the host's mail system.

use strict;
use warnings;

sub send_mail {
    my ($conf, $to, $subject, $text) = @_;
    open(my $mail, '|-', $conf->{sendmail}) or die "cannot send: $!";
    print $mail "From: $conf->{admin}\nTo: $to\nSubject: $subject\n\n$text";
    close($mail);
}

1;
