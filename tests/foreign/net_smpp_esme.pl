# Net::SMPP as the ESME: prints a line "name value" for each thing seen.
use strict;
use warnings;
use Net::SMPP;

my ($host, $port, $system_id, $password, $msisdn, $absent) = @ARGV;
my @account = (port => $port, system_id => $system_id, password => $password, interface_version => 0x34);

sub bound {
    my ($kind, @options) = @_;
    no strict 'refs';
    my ($smpp, $response) = Net::SMPP->$kind($host, @account, @options) or die "no bind: $!";
    return ($smpp, $response);
}

for my $kind (qw(new_transmitter new_receiver new_transceiver)) {
    my ($smpp, $response) = bound($kind);
    printf "%s %d\n", $kind, $response->{status};
    my $unbound = $smpp->unbind();
    printf "%s_unbind %d\n", $kind, $unbound->{status};
}
printf "wrong_password %d\n", (bound('new_transceiver', password => 'wrong'))[1]{status};
printf "unknown_account %d\n", (bound('new_transceiver', system_id => 'nobody'))[1]{status};

my ($smpp) = bound('new_transceiver');
my @addresses = (
    source_addr_ton => 5, source_addr_npi => 0, source_addr => 'Perl',
    dest_addr_ton => 1, dest_addr_npi => 1,
);
my %receipts;

# The response to our request; deliveries that come before it are answered.
sub wait_for {
    my ($wanted) = @_;
    while (1) {
        my $pdu = $smpp->read_pdu() or die "connection lost";
        if ($pdu->{cmd} == Net::SMPP::CMD_deliver_sm) {
            $smpp->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
            my ($id) = $pdu->{short_message} =~ /^id:(\d+) /;
            my ($state) = $pdu->{short_message} =~ / stat:(\w+) /;
            $receipts{$id} = $state;
        } elsif ($pdu->{cmd} == Net::SMPP::CMD_enquire_link) {
            $smpp->enquire_link_resp(seq => $pdu->{seq});
            next;
        }
        return $pdu if $wanted->($pdu);
    }
}

sub ask {
    my ($command, @options) = @_;
    my $sequence = $smpp->$command(async => 1, @options);
    return wait_for(sub { $_[0]{seq} == $sequence && $_[0]{cmd} & 0x80000000 });
}

my $sent = ask('submit_sm', @addresses, destination_addr => $msisdn, short_message => 'From Perl', registered_delivery => 1);
printf "submit_sm %d\n", $sent->{status};
wait_for(sub { exists $receipts{$sent->{message_id}} }) unless exists $receipts{$sent->{message_id}};
printf "receipt %s\n", $receipts{$sent->{message_id}};
my $queried = ask('query_sm', message_id => $sent->{message_id}, source_addr_ton => 5, source_addr => 'Perl');
printf "query_sm %d %d\n", $queried->{status}, $queried->{message_state};

my $held = ask('submit_sm', @addresses, destination_addr => $absent, short_message => 'held', registered_delivery => 1);
my $replaced = ask('replace_sm', message_id => $held->{message_id}, source_addr_ton => 5, source_addr => 'Perl',
    short_message => 'held and replaced', registered_delivery => 1);
printf "replace_sm %d\n", $replaced->{status};
my $cancelled = ask('cancel_sm', @addresses, message_id => $held->{message_id}, destination_addr => $absent);
printf "cancel_sm %d\n", $cancelled->{status};
wait_for(sub { exists $receipts{$held->{message_id}} }) unless exists $receipts{$held->{message_id}};
printf "cancelled %s\n", $receipts{$held->{message_id}};

my $data = ask('data_sm', @addresses, destination_addr => $msisdn, message_payload => 'd' x 400, registered_delivery => 1);
printf "data_sm %d\n", $data->{status};
my $multi = ask('submit_multi', @addresses, destination_addr => [$msisdn, '49000'], dest_flag => [1, 1],
    dest_addr_ton => [1, 1], dest_addr_npi => [1, 1], short_message => 'to two');
printf "submit_multi %d\n", $multi->{status};
printf "enquire_link %d\n", ask('enquire_link')->{status};
printf "unbind %d\n", ask('unbind')->{status};
