#!/usr/bin/perl
# SPDX-License-Identifier: MIT
use strict;
open my $status, '+<&=', 5;
open my $listener, '+<&=', 6;
$SIG{PIPE} = 'IGNORE';
sub tell_master { syswrite $status, pack 'iIi', $$, oct "0$ENV{GENERATION}", shift }

my $watched = '';
vec($watched, 5, 1) = vec($watched, 6, 1) = 1;
while (tell_master(1)) {     # AVAIL, and somebody hears it
    select my $ready = $watched, undef, undef, undef;
    if (accept my $client, $listener) {
        tell_master(0);      # TAKEN
        print $client "hello from Perl\n";
    }
    last if vec $ready, 5, 1;    # the master wants us to leave, or is gone
}
