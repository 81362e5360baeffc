#!/usr/bin/env bash
# Records examples/captures/sample.pcap and sample.pcapng: real traffic between three network namespaces
# which exist only for this run. See README.md here. Needs root.
#
#   client --- (rt-client) router (rt-server) --- server
#
# Usage: tools/sample-capture/record.sh [output directory]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here/../../examples/captures}

[[ $EUID -eq 0 ]] || { echo "needs root" >&2; exit 1; }
for tool in ip sysctl ethtool ping node python3 tcpdump dumpcap editcap reordercap tshark capinfos timeout; do
  command -v "$tool" >/dev/null || { echo "needs $tool" >&2; exit 1; }
done

client=sample-$$-client
router=sample-$$-router
server=sample-$$-server
work=$(mktemp -d)
pids=()

cleanup() {
  local code=$?
  trap - EXIT
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  local ns
  for ns in "$client" "$router" "$server"; do ip netns del "$ns" 2>/dev/null || true; done
  if ((code != 0)); then tail -n 20 "$work"/*.log >&2 || true; fi
  rm -rf "$work"
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Runs a command in a namespace, for 60 seconds at most.
within() {
  local ns=$1
  shift
  ip netns exec "$ns" timeout 60 "$@"
}

# Starts a command in a namespace in the background, for 120 seconds at most. Its output goes to <name>.log.
# exec: the process id is then that of timeout, which hands signals on to the command.
start() {
  local name=$1 ns=$2
  shift 2
  (exec ip netns exec "$ns" timeout 120 "$@" >"$work/$name.log" 2>&1) &
  pids+=($!)
}

# Waits until <name>.log has at least <count> lines with <text>.
await() {
  local name=$1 text=$2 count=$3
  for _ in {1..100}; do
    (($(grep -c -- "$text" "$work/$name.log" || true) >= count)) && return
    sleep 0.1
  done
  echo "$name did not start" >&2
  return 1
}

# --- the network -------------------------------------------------------------------------------

for ns in "$client" "$router" "$server"; do
  ip netns add "$ns"
  ip -n "$ns" link set lo up
  # No rate limit: every ICMP error is to be sent.
  within "$ns" sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratelimit=0
done
within "$router" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

# link <namespace> <interface> <MAC> <namespace> <interface> <MAC> <MTU>
link() {
  ip -n "$1" link add name "$2" address "$3" mtu "$7" type veth peer name "$5" address "$6" mtu "$7" netns "$4"
  # Off: otherwise the capture has segments of 64 kB and checksums which are not computed.
  within "$1" ethtool -K "$2" tx off sg off tso off gso off gro off >/dev/null
  within "$4" ethtool -K "$5" tx off sg off tso off gso off gro off >/dev/null
}
link "$client" client0 02:00:00:00:0b:30 "$router" rt-client 02:00:00:00:0b:02 1450
link "$server" server0 02:00:00:00:0b:20 "$router" rt-server 02:00:00:00:0b:01 1500

# The ends are up before their peers, so that the captures begin with the first frame.
ip -n "$server" link set server0 up
ip -n "$router" link set rt-client up

# --- the captures ------------------------------------------------------------------------------

start tcpdump "$server" tcpdump -i server0 -n -s 0 -U -c 2000 -Z root \
  --time-stamp-precision micro -w "$work/sample.pcap"
capture=${pids[-1]}
await tcpdump "listening on" 1

ip -n "$client" link set client0 up
ip -n "$router" link set rt-server up

# The second file: both sides of the router, only some of the traffic, nanoseconds.
some='arp or icmp or icmp6 or port 53 or (tcp port 8080 and host (10.11.1.30 or fd00:11:1::30))'
start dumpcap "$router" dumpcap -q -n -a packets:1000 \
  -i rt-client --ifdescr "router, towards the client" -f "$some" -s 262144 \
  -i rt-server --ifdescr "router, towards the server" -f "$some" -s 262144 \
  -w "$work/raw.pcapng"
second=${pids[-1]}
await dumpcap "File:" 1

# --- addresses: these begin duplicate address detection ------------------------------------------

# addresses <namespace> <interface> <address/length> ...
addresses() {
  local ns=$1 dev=$2 address
  shift 2
  for address in "$@"; do ip -n "$ns" address add "$address" dev "$dev"; done
}
addresses "$router" rt-client 10.11.1.1/24 fd00:11:1::1/64
addresses "$router" rt-server 10.11.0.1/24 fd00:11::1/64
addresses "$client" client0 10.11.1.30/24 fd00:11:1::30/64
addresses "$server" server0 10.11.0.20/24 10.11.0.10/24 fd00:11::20/64 fd00:11::10/64

for ns in "$client" "$router" "$server"; do
  for _ in {1..50}; do
    [[ -z $(ip -n "$ns" -6 address show tentative) ]] && break
    sleep 0.1
  done
done
ip -n "$client" route add default via 10.11.1.1
ip -n "$client" route add default via fd00:11:1::1
ip -n "$server" route add default via 10.11.0.1
ip -n "$server" route add default via fd00:11::1

# --- the services --------------------------------------------------------------------------------

start web "$server" node "$here/http-server.mjs" 80 10.11.0.20 fd00:11::20
start api "$server" node "$here/http-server.mjs" 8080 10.11.0.20 fd00:11::20
start dns "$server" node "$here/dns-server.mjs" 10.11.0.10 fd00:11::10
start other "$server" node "$here/other-server.mjs" 10.11.0.20 fd00:11::20
await web ready 2
await api ready 2
await dns ready 4
await other ready 6

# --- the traffic ---------------------------------------------------------------------------------

on_client() { within "$client" "$@" >/dev/null; }
# A ping which is meant to fail.
failing_ping() { within "$1" ping -c 1 -W 1 "${@:2}" >/dev/null || true; }

on_client ping -c 3 -i 0.2 10.11.0.20
on_client ping -c 3 -i 0.2 fd00:11::20
on_client ping -c 1 -R 10.11.0.20 # IPv4 option: record route
on_client node "$here/dns-client.mjs" 10.11.0.10
on_client node "$here/dns-client.mjs" fd00:11::10
on_client node "$here/http-client.mjs" 10.11.0.20 80 web.default.svc.cluster.local
on_client node "$here/http-client.mjs" fd00:11::20 80 web.default.svc.cluster.local
on_client node "$here/http-client.mjs" 10.11.0.20 8080 api.default.svc.cluster.local brief
on_client node "$here/http-client.mjs" fd00:11::20 8080 api.default.svc.cluster.local brief
on_client node "$here/other-client.mjs" 10.11.0.20 client-4
on_client node "$here/other-client.mjs" fd00:11::20 client-6

# ICMP errors from the router: time exceeded, no route, too big for the client's link.
failing_ping "$server" -I 10.11.0.20 -t 1 10.11.1.30
failing_ping "$server" -I fd00:11::20 -t 1 fd00:11:1::30
failing_ping "$server" -I 10.11.0.20 10.99.0.1
failing_ping "$server" -I fd00:11::20 fd00:99::1
failing_ping "$server" -I 10.11.0.20 -M do -s 1472 10.11.1.30
failing_ping "$server" -I fd00:11::20 -M do -s 1452 fd00:11:1::30

# Fragments, both ways.
on_client ping -c 1 -s 4000 10.11.0.20
on_client ping -c 1 -s 4000 fd00:11::20

within "$router" python3 "$here/raw-frames.py" rt-server

# --- the files -----------------------------------------------------------------------------------

sleep 1
kill -INT "$capture" "$second"
wait "$capture" "$second" || true
if grep -E '^[1-9][0-9]* packets? dropped|dropped on interface .*: [0-9]+/[1-9]' "$work/tcpdump.log" "$work/dumpcap.log"; then
  echo "packets were lost" >&2
  exit 1
fi

# Two interfaces were read in turn: order by time.
reordercap "$work/raw.pcapng" "$work/ordered.pcapng" >/dev/null

# frame <display filter>: the number of the first frame of the second file which matches.
frame() {
  local numbers
  numbers=$(tshark -n -r "$work/ordered.pcapng" -Y "$1" -T fields -e frame.number 2>/dev/null)
  [[ -n $numbers ]] || { echo "no frame for: $1" >&2; return 1; }
  echo "${numbers%%$'\n'*}"
}
comment() {
  local number
  number=$(frame "$1")
  comments+=(-a "$number:$2")
}
comments=()
comment 'dns.qry.type == 1' 'The first question of the resolver: an A record'
comment 'dns.flags.rcode == 3' 'No such name (NXDOMAIN)'
comment 'dns.flags.truncated == 1' 'Truncated: the resolver asks again over TCP'
comment 'http.request.method == "POST"' 'An order is posted to the API'
comment 'icmp.type == 11' 'The router drops a packet whose time to live is over'
comment 'icmpv6.type == 2' 'Packet too big: the link towards the client has an MTU of 1450'
comment 'ip.flags.mf == 1 && ip.frag_offset == 0' 'First fragment of an echo request of 4000 bytes'
editcap -F pcapng "${comments[@]}" "$work/ordered.pcapng" "$work/commented.pcapng"
node "$here/clean-pcapng.mjs" "$work/commented.pcapng" "$work/sample.pcapng"

# No malformed packets, no wrong checksums.
checks=(-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -o sctp.checksum:CRC-32C)
for file in sample.pcap sample.pcapng; do
  bad=$(tshark -n -r "$work/$file" "${checks[@]}" \
    -Y '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" ||
        udp.checksum.status == "Bad" || sctp.checksum.status == "Bad" ||
        icmp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad"' 2>/dev/null)
  [[ -z $bad ]] || { printf '%s has bad packets:\n%s\n' "$file" "$bad" >&2; exit 1; }
done

mkdir -p "$out"
install -m 644 "$work/sample.pcap" "$work/sample.pcapng" "$out/"
for file in sample.pcap sample.pcapng; do
  printf '%s: %s packets, %s bytes\n' "$file" \
    "$(capinfos -M -c "$out/$file" | sed -n 's/^Number of packets: *//p')" "$(stat -c %s "$out/$file")"
done
