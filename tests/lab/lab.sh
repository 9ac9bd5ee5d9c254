#!/usr/bin/env bash
# The lab: a real Asterisk that runs the project's own asterisk_conf/ (the PBX), and a second
# one that plays the carrier, both on loopback. Needs root on Debian, and nothing prepared.
#
#   lab.sh up                     build what is missing, start both, wait until they are ready;
#                                 starts them anew where asterisk_conf/ or the lab has changed
#   lab.sh down                   end both
#   lab.sh kill pbx|carrier       kill -9: no farewell to anybody
#   lab.sh start pbx|carrier      start it again as it was, and don't wait for it
#   lab.sh status                 say what runs; exit 1 unless both do
#   lab.sh mysql                  put a MySQL server into the lab's tree, and print where that is
#   lab.sh env                    the dialer's settings for this lab, as lines of a .env
#   lab.sh paths                  where this lab keeps its things, as NAME=value
#   lab.sh cli pbx|carrier 'CMD'  one command of the Asterisk console
#   lab.sh calls [--clear]        who was called, as the carrier saw it: time, number, caller
#   lab.sh targets [--clear]      what the targets saw: time, target, caller
#   lab.sh baseline COUNT MAXCC PREFIX
#                                 Asterisk by itself, without a dialer, calls COUNT numbers that
#                                 begin with PREFIX, records and connects them, MAXCC at a time
#   lab.sh observer IDLE_SECONDS  judge whatever dials: one JSON object of calls and dead air,
#                                 printed once nothing has happened for so long
#
# DIALDECK_LAB       the lab's folder (default: .lab in the repository)
# DIALDECK_LAB_SLOT  0 (default) to 9: moves every port, so that several labs run side by side
set -euo pipefail
shopt -s nullglob

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)

die() {
    printf 'lab: %s\n' "$*" >&2
    exit 1
}

say() { printf 'lab: %s\n' "$*" >&2; }

slot=${DIALDECK_LAB_SLOT:-0}
[[ $slot =~ ^[0-9]$ ]] || die "DIALDECK_LAB_SLOT is '$slot'; it must be a digit, 0 to 9."
lab=$(realpath -m "${DIALDECK_LAB:-$repo/.lab}")
root=$lab/root
# What both Asterisks write lies in the tree, since they run with the tree as their root.
inside=/lab/$slot
state=$root$inside

# Away from Asterisk's usual ports, and below those that the kernel hands out by itself.
pbx_ari=$((18088 + slot * 100))
pbx_tls=$((18089 + slot * 100))
pbx_sip=$((15060 + slot * 100))
carrier_sip=$((15070 + slot * 100))
# Where tests play a phone: tests/support/phone.rs.
scripted_carrier=$((15080 + slot * 100))
scripted_agent=$((15090 + slot * 100))
pbx_rtp=$((20000 + slot * 1000))
carrier_rtp=$((pbx_rtp + 500))

## Building

retry() {
    local try
    for try in 1 2 3; do
        "$@" && return 0
        say "'$1' failed (attempt $try of 3)"
        sleep $((try * 3))
    done
    return 1
}

# Debian stable carries no Asterisk; sid has version 22. A tree that lacks the mark of a
# finished build is built anew. The build has a mount namespace of its own, so that nothing
# stays mounted in the tree even if it is killed.
build() {
    [[ -e $root/.dialdeck-lab ]] && return 0
    if [[ ! -x $root/usr/sbin/asterisk || -d $root/debootstrap ]]; then
        "$repo/tests/needs" debootstrap debian-archive-keyring
        say "building a Debian tree with Asterisk in $root (some 500 MB, a minute or more)"
        retry bootstrap || die "debootstrap failed; its log is $root/debootstrap/debootstrap.log."
    fi
    touch "$root/.dialdeck-lab"
}

bootstrap() {
    rm -rf --one-file-system "$root"
    mkdir -p "$root"
    unshare --mount debootstrap --variant=minbase --include=asterisk sid "$root" >&2
}

# Debian stable has MariaDB only.
mysql() {
    build
    if [[ ! -x $root/usr/sbin/mysqld ]]; then
        say "installing a MySQL server in $root"
        retry install_mysql >&2 || die "no MySQL server could be installed."
    fi
    echo "$root"
}

# By what the tree knows of packages; where it is older than those that are there now, it has to
# ask. A mirror that stands still is as good as any.
install_mysql() {
    local get=(in_the_tree apt-get -q -y -o Acquire::Retries=3 -o Acquire::Check-Valid-Until=false)
    "${get[@]}" install --no-install-recommends mysql-server-core || {
        "${get[@]}" update && false
    }
}

# Runs a command with the tree as its root; what it mounts there ends with it.
in_the_tree() {
    # shellcheck disable=SC2016  # expanded by the inner shell
    unshare --mount bash -c '
        mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 1
        DEBIAN_FRONTEND=noninteractive exec chroot "$@"
    ' lab "$root" "$@"
}

## Configuration

# The password that the dialer and the agent log in with: the lab's own, made once.
secret() {
    if [[ ! -s $lab/secret ]]; then
        (umask 077 && head -c 18 /dev/urandom | base64 | tr '+/' 'xy' >"$lab/secret")
    fi
    cat "$lab/secret"
}

# Puts $3 in the place of line $2 of file $1, which must stand there exactly once:
# when asterisk_conf/ changes under it, the lab fails instead of testing something else.
overlay() {
    local file=$1 line=$2 with=$3
    [[ $(grep -cxF -- "$line" "$file") == 1 ]] || die "$(basename "$file") must have the line '$line' exactly once."
    awk -v line="$line" -v with="$with" '{ print $0 == line ? with : $0 }' "$file" >"$file.new"
    mv "$file.new" "$file"
}

# Copies the lab's own files $2… into the configuration of $1 (pbx or carrier), with this
# lab's places, ports and secret filled in.
fill_in() {
    local name=$1 file
    shift
    for file in "$@"; do
        sed -e "s|@DIR@|$inside/$name|g" \
            -e "s|@CALLS@|$inside/calls.log|g" \
            -e "s|@TARGETS@|$inside/targets.log|g" \
            -e "s|@SECRET@|$(secret)|g" \
            -e "s|@PBX_SIP@|$pbx_sip|g" \
            -e "s|@CARRIER_SIP@|$carrier_sip|g" \
            -e "s|@SCRIPTED_CARRIER@|$scripted_carrier|g" \
            -e "s|@SCRIPTED_AGENT@|$scripted_agent|g" \
            -e "s|@CARRIER_RTP@|$carrier_rtp|g" \
            -e "s|@CARRIER_RTP_END@|$((carrier_rtp + 499))|g" \
            "$file" >"$state/$name/etc/$(basename "$file")"
    done
}

configure() {
    local name
    for name in pbx carrier; do
        mkdir -p "$state/$name"/{etc,run,log,spool/{outgoing,tmp,recording,monitor/baseline},db,cache}
        rm -rf "${state:?}/$name/etc/"*
        # What the Debian package brings, as on a user's machine, below the project's own.
        cp -r "$root"/etc/asterisk/. "$state/$name/etc"
        fill_in "$name" "$here"/*.conf "$here/$name"/*.conf
    done
    configure_pbx "$state/pbx/etc"
    fingerprint >"$state/fingerprint"
    touch "$state/calls.log" "$state/targets.log"
    # Without its host name there, each call waits for seconds on DNS.
    printf '127.0.0.1 localhost %s\n' "$(hostname)" >"$root/etc/hosts"
}

# Changes when anything changes that the running Asterisks were configured from.
fingerprint() {
    cat "$repo"/asterisk_conf/*.conf "$here"/lab.sh "$here"/*.conf "$here"/*/*.conf | sha256sum
}

# The project's own files, with this lab's addresses, ports and secrets laid over them, and
# the lab's targets behind them.
configure_pbx() {
    local etc=$1
    cp "$repo"/asterisk_conf/*.conf "$etc"
    overlay "$etc/http.conf" 'bindport = 8088' "bindport = $pbx_ari"
    overlay "$etc/ari.conf" ';password =' "password = $(secret)"
    overlay "$etc/pjsip.conf" 'bind = 127.0.0.1:5060' "bind = 127.0.0.1:$pbx_sip"
    overlay "$etc/pjsip.conf" 'contact = sip:carrier.example:5060' "contact = sip:127.0.0.1:$carrier_sip"
    overlay "$etc/pjsip.conf" ';password =' "password = $(secret)"
    overlay "$etc/rtp.conf" 'rtpstart = 10000' "rtpstart = $pbx_rtp"
    overlay "$etc/rtp.conf" 'rtpend = 20000' "rtpend = $((pbx_rtp + 499))"
    certify "$etc"
    printf '%s\n' "tlsenable = yes" "tlsbindaddr = 127.0.0.1:$pbx_tls" \
        "tlscertfile = $inside/pbx/etc/server.pem" "tlsprivatekey = $inside/pbx/etc/server.key" >>"$etc/http.conf"
    echo '#include "lab_extensions.conf"' >>"$etc/extensions.conf"
    echo '#include "lab_queues.conf"' >>"$etc/queues.conf"
    echo '#include "lab_ari.conf"' >>"$etc/ari.conf"
    echo '#include "lab_pjsip.conf"' >>"$etc/pjsip.conf"
}

# An authority of the lab's own, and the PBX's certificate from it, for as long as it is
# configured like this.
certify() {
    local etc=$1 key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
    command -v openssl >/dev/null || "$repo/tests/needs" openssl
    openssl req -x509 "${key[@]}" -days 3650 -subj '/CN=Dialdeck lab' \
        -keyout "$etc/ca.key" -out "$etc/ca.pem" 2>/dev/null || die "openssl makes no certificate."
    openssl req -x509 "${key[@]}" -days 3650 -subj '/CN=pbx' -CA "$etc/ca.pem" -CAkey "$etc/ca.key" \
        -addext 'subjectAltName = IP:127.0.0.1' -addext 'basicConstraints = critical,CA:FALSE' \
        -keyout "$etc/server.key" -out "$etc/server.pem" 2>/dev/null || die "openssl makes no certificate."
}

## Running

# The process id of pbx or carrier, if it lives. An id left over from before a restart of the
# machine may by now belong to anybody, so the process must have our tree as its root.
pid_of() {
    local pid
    pid=$(cat "$state/$1/pid" 2>/dev/null) || return 1
    [[ $pid && /proc/$pid/root -ef $root ]] || return 1
    tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$inside/$1/etc/asterisk.conf" || return 1
    echo "$pid"
}

# Asterisk wants /proc and /dev. They are mounted in a namespace of its own and vanish with
# it: nothing is ever mounted in the tree that `rm -rf .lab` could reach into.
start() {
    local name=$1
    pid_of "$name" >/dev/null && return 0
    # Logs of this start only: what they complain about is about what runs.
    rm -rf "${state:?}/$name"/{run,log}/*
    # shellcheck disable=SC2016  # expanded by the inner shell
    setsid unshare --mount bash -c '
        echo $$ >"$4/pid"
        mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 1
        ulimit -n 16384
        exec chroot "$1" asterisk -C "$2/$3/etc/asterisk.conf" -f
    ' lab "$root" "$inside" "$name" "$state/$name" </dev/null >"$state/$name/log/stdout" 2>&1 9>&- &
}

cli() { chroot "$root" asterisk -C "$inside/$1/etc/asterisk.conf" -rx "$2"; }

# Waits up to $1 seconds for the rest of the arguments to succeed.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

booted() { cli "$1" 'core waitfullybooted' | grep -q 'fully booted'; }

ari_answers() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$pbx_ari" || return 1
    printf 'GET /ari/asterisk/ping HTTP/1.0\r\nAuthorization: Basic %s\r\n\r\n' \
        "$(printf 'dialdeck:%s' "$(secret)" | base64 -w0)" >&3
    read -r -t 5 line <&3 || line=
    exec 3<&- 3>&-
    [[ $line == *' 200 '* ]]
}

# Asterisk asks whether a contact is there at some moment of its first minute; the lab asks now.
trunk_reachable() {
    cli pbx 'pjsip qualify mytrunk' && sleep 0.1 && cli pbx 'pjsip show contacts' | grep -q 'mytrunk/.* Avail'
}
agent_registered() { cli pbx 'pjsip show contacts' | grep -q 'agent/'; }

# One script at a time may build, start and stop.
lock() {
    [[ $EUID == 0 ]] || die "needs root: it runs Asterisk in a tree of its own (chroot)."
    mkdir -p "$lab"
    exec 9>"$lab/lock"
    flock 9
}

runs_as_configured() {
    pid_of pbx && pid_of carrier && [[ $(fingerprint) == "$(cat "$state/fingerprint")" ]]
}

up() {
    build
    if ! runs_as_configured >/dev/null 2>&1; then
        down
        configure
        start carrier
        start pbx
    fi
    local name
    for name in pbx carrier; do
        wait_for 60 booted "$name" || die "the $name did not come up; see $state/$name/log."
    done
    wait_for 20 ari_answers || die "ARI does not answer on port $pbx_ari; see $state/pbx/log."
    wait_for 20 trunk_reachable || die "the PBX does not reach the carrier; see $state/pbx/log."
    wait_for 20 agent_registered || die "the agent's phone did not log in; see $state/carrier/log."
    say "PBX (ARI on 127.0.0.1:$pbx_ari) and carrier are ready."
}

down() {
    local name pid
    for name in pbx carrier; do
        pid=$(pid_of "$name") || continue
        kill "$pid"
        wait_for 5 gone "$name" || kill -9 "$pid"
        wait_for 5 gone "$name" || die "the $name (process $pid) does not end."
    done
    rm -f "$state"/*/pid
}

# As a crash does it. The process has no time to tell anybody.
crash() {
    local pid
    pid=$(pid_of "$1") || die "the $1 does not run."
    kill -9 "$pid"
    wait_for 5 gone "$1" || die "the $1 (process $pid) does not end."
}

node() { [[ ${1-} == pbx || ${1-} == carrier ]] || die "name a node: pbx or carrier."; }

gone() { ! pid_of "$1"; }

status() {
    local name pid bad=0
    for name in pbx carrier; do
        if pid=$(pid_of "$name"); then
            echo "$name: runs, process $pid"
        else
            echo "$name: down"
            bad=1
        fi
    done
    return $bad
}

env_lines() {
    cat <<END
ARI_URL=http://127.0.0.1:$pbx_ari
ARI_USERNAME=dialdeck
ARI_PASSWORD=$(secret)
ARI_TRUNK=mytrunk
END
}

paths() {
    cat <<END
CALLS=$state/calls.log
TARGETS=$state/targets.log
RECORDINGS=$state/pbx/spool/recording
PBX_LOG=$state/pbx/log/messages.log
CARRIER_LOG=$state/carrier/log/messages.log
TEST_LOCK=$lab/tests.$slot.lock
PBX_SIP=127.0.0.1:$pbx_sip
SCRIPTED_CARRIER=127.0.0.1:$scripted_carrier
SCRIPTED_AGENT=127.0.0.1:$scripted_agent
TLS_URL=https://127.0.0.1:$pbx_tls
CA_FILE=$state/pbx/etc/ca.pem
END
}

## Judging

# Asterisk takes a call file from its spool the moment it appears there, and removes it when
# the call has ended: the files still there are the calls that are up.
baseline() {
    [[ ${1-} =~ ^[1-9][0-9]*$ && ${2-} =~ ^[1-9][0-9]*$ && ${3-} =~ ^[0-9]+$ ]] ||
        die "baseline needs COUNT MAXCC PREFIX, three numbers."
    local count=$1 max=$2 prefix=$3 spool=$state/pbx/spool placed=0 live
    rm -f "$spool"/monitor/baseline/*
    while live=("$spool"/outgoing/*) && ((placed < count || ${#live[@]})); do
        if ((placed < count && ${#live[@]} < max)); then
            placed=$((placed + 1))
            place_call "$spool" "$(printf '%s%05d' "$prefix" "$placed")"
        else
            sleep 0.01
        fi
    done
    live=("$spool"/monitor/baseline/*.wav)
    echo "{\"calls\": $placed, \"recordings\": ${#live[@]}}"
    rm -f "$spool"/monitor/baseline/*
}

place_call() {
    local spool=$1 number=$2
    cat >"$spool/tmp/$number" <<END
Channel: PJSIP/$number@mytrunk
CallerID: <1001>
WaitTime: 30
MaxRetries: 0
Context: baseline
Extension: $number
Priority: 1
END
    mv "$spool/tmp/$number" "$spool/outgoing/$number"
}

observer() {
    [[ ${1-} =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "observer needs IDLE_SECONDS."
    command -v python3 >/dev/null || "$repo/tests/needs" python3
    ARI_PASSWORD=$(secret) exec python3 "$here/observer.py" "$pbx_ari" dialdeck mytrunk "$1"
}

witness() {
    case ${2-} in
    '') cat "$1" ;;
    --clear) : >"$1" ;;
    *) die "'$2' is unknown here; only --clear may follow." ;;
    esac
}

main() {
    local command=${1-}
    shift || true
    case $command in
    up) lock && up ;;
    down) lock && down ;;
    kill) node "$@" && lock && crash "$1" ;;
    start) node "$@" && lock && start "$1" ;;
    status) status ;;
    paths) paths ;;
    baseline) baseline "$@" ;;
    mysql) lock && mysql ;;
    observer) observer "$@" ;;
    env) env_lines ;;
    cli) cli "$@" ;;
    calls) witness "$state/calls.log" "$@" ;;
    targets) witness "$state/targets.log" "$@" ;;
    *) die "'$command' is unknown; the head of this script lists the commands." ;;
    esac
}

main "$@"
