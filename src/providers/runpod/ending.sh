# How a pod ends itself. POSIX sh, run in a subshell again and again: it never succeeds, since a command
# that ends is started anew for as long as its pod is there. So it asks, waits for the end that was
# granted, and fails where that does not come.
#
# From the pod's environment: RUNPOD_POD_ID and RUNPOD_API_KEY, which RunPod sets, and GHARUN_RUNPOD_API,
# where the API is not at https://api.runpod.io/v2. From who runs it, as far as there is such a thing: how
# often this was tried (`attempt`, from 1), a folder that is ours (`dir`), where the runner is (`runner`), why the
# script ends (`code`), and whether it is only to get ready for the end (`gharun_ready`).
#
# The key is not among the arguments of a program, which are for all to see. Only the wget of busybox
# takes it in no other way, and is asked when nobody else has got through; the job is dead by then.
has() { command -v "$1" >/dev/null 2>&1; }
quiet() { "$@" >/dev/null 2>&1; }
# Some perls look for what they need in the current folder, which may be a job's.
cd / || exit 1
url=${GHARUN_RUNPOD_API:-https://api.runpod.io/v2}/pods/$RUNPOD_POD_ID
# Not what is too old to know `fetch`.
fetches() { quiet "$1" -e fetch; }
# shellcheck disable=SC2016 # for perl
asks_by_perl() { quiet perl -MHTTP::Tiny -e 'exit !($ARGV[0] !~ /^https/ || eval { require IO::Socket::SSL })' "$url"; }
# Makes sure, before there is a job, that something will be here to ask with. Root does not run the runner's node once
# the runner is another user's: so it keeps one of its own, where there is nothing else.
get_ready() {
    if has curl || quiet python3 -I -c 'import urllib.request' || asks_by_perl || fetches node; then return 0; fi
    case $(wget --version 2>/dev/null) in GNU*) return 0 ;; esac
    for node in "${runner:-}"/externals/node*/bin/node; do
        fetches "$node" || continue
        [ "$(id -u)" -eq 0 ] || return 0
        cp "$node" "${dir:-}/node" && chmod 755 "$dir/node" && return 0
    done
    has wget || has runpodctl
}
# Whether nobody but root can have changed what root is to run. Who is not root has nothing to lose by it.
untouched() {
    [ "$(id -u)" -eq 0 ] || return 0
    up=$1
    while [ -n "$up" ]; do
        # shellcheck disable=SC3067 # dash, bash and busybox know -O
        [ -O "$up" ] || return 1
        case $(ls -ldL "$up") in ?????-??-* | ?????????[tT]*) ;; *) return 1 ;; esac
        up=${up%/*}
    done
}
end_pod() {
    body='{"action":"terminate"}'
    json='Content-Type: application/json'
    # Both mean the same: what keeps one of them from us may let the other through.
    if [ $((${attempt:-1} % 2)) -eq 1 ]; then set -- DELETE "$url" ''; else set -- POST "$url/action" "$body"; fi
    asked='' granted='' tried=''
    # All together have the minute of one try. Nobody's own settings count (-q, -I, --config).
    if has curl; then
        asked=yes
        printf 'header = "Authorization: Bearer %s"\n' "$RUNPOD_API_KEY" |
            curl -q -K - -fsS -m 12 -A gharun -o /dev/null -X "$1" ${3:+-H "$json" -d "$3"} "$2" && return 0
    fi
    if quiet python3 -I -c 'import urllib.request'; then
        asked=yes
        python3 -I -c 'import os, sys, urllib.request as u
h = {"Authorization": "Bearer " + os.environ["RUNPOD_API_KEY"], "User-Agent": "gharun", "Content-Type": "application/json"}
try: u.urlopen(u.Request(sys.argv[2], sys.argv[3].encode() or None, h, method=sys.argv[1]), timeout=8)
except Exception as e: sys.exit("python3: %s" % e)' "$@" && return 0
    fi
    if asks_by_perl; then
        asked=yes
        # shellcheck disable=SC2016 # for perl
        perl -MHTTP::Tiny -e '($m, $u, $b) = @ARGV;
$r = HTTP::Tiny->new(timeout => 8, agent => "gharun", verify_SSL => 1)->request($m, $u, {content => $b,
headers => {"Content-Type" => "application/json", Authorization => "Bearer $ENV{RUNPOD_API_KEY}"}});
$r->{success} or die "perl: $r->{status} $r->{reason}\n"' "$@" && return 0
    fi
    case $(wget --version 2>/dev/null) in
    GNU*)
        asked=yes
        # It reads a file only. The disk may be full.
        for place in "${dir:-/tmp}" /dev/shm; do
            rc=$(mktemp "$place/.end.XXXXXX" 2>/dev/null) || continue
            if printf 'header = Authorization: Bearer %s\n' "$RUNPOD_API_KEY" >"$rc"; then
                wget --config="$rc" -nv -t 1 -T 8 -U gharun -O /dev/null ${CURL_CA_BUNDLE:+"--ca-certificate=$CURL_CA_BUNDLE"} \
                    --method="$1" ${3:+--header="$json" --body-data="$3"} "$2" && granted=yes
                tried=yes
            fi
            rm -f "$rc"
            [ -z "$granted" ] || return 0
            [ -z "$tried" ] || break
        done
        ;;
    esac
    # The runner brings one, with certificates of its own. It is not asked where a job may have changed it.
    for node in node "${dir:-/nowhere}/node" /var/lib/gharun/*/node "${runner:-${dir:-/home}/runner}"/externals/node*/bin/node; do
        [ "$node" = node ] || untouched "$node" || continue
        fetches "$node" || continue
        asked=yes
        # shellcheck disable=SC2016 # for node
        "$node" -e 'const [method, url, body] = process.argv.slice(1);
fetch(url, {method, body: body || undefined, signal: AbortSignal.timeout(8000), headers: {"User-Agent": "gharun",
"Content-Type": "application/json", Authorization: `Bearer ${process.env.RUNPOD_API_KEY}`}})
.then(r => { if (!r.ok) throw r.status; }).catch(e => { console.error("node:", e.cause ?? e); process.exit(1); })' "$@" && return 0
        break
    done
    # It knows no DELETE.
    if has wget && ! quiet wget --version; then
        asked=yes
        wget -q -O /dev/null -U gharun --header "Authorization: Bearer $RUNPOD_API_KEY" \
            --header "$json" --post-data "$body" "$url/action" && return 0
    fi
    # RunPod puts it into pods: https://docs.runpod.io/runpodctl/reference/runpodctl-remove-pod
    if has runpodctl; then
        asked=yes
        quiet runpodctl remove pod "$RUNPOD_POD_ID" && return 0
    fi
    [ -n "$asked" ] || echo 'gharun: error: nothing here can ask for the end of this pod: no curl, wget, python3, perl or node'
    return 1
}
if [ -n "${gharun_ready:-}" ]; then
    get_ready
    exit
fi
# A pod's log goes with it, and a start that waits reads it every ten seconds: so after a failure it stays for a moment,
# also where there was no script to do that.
pause_after=45
case ${attempt:-1}:${code:-0} in
1:0 | 1:71 | 1:72 | 1:77 | 1:143) ;;
1:*)
    # Not where the script has done so.
    if [ -z "${gharun_linger:-}" ]; then
        sleep "${GHARUN_LINGER:-25}"
        pause_after=20
    fi
    ;;
esac
if [ -z "${RUNPOD_POD_ID:-}" ] || [ -z "${RUNPOD_API_KEY:-}" ]; then
    echo 'gharun: error: this pod was not told its id and its key, and cannot end itself'
elif end_pod; then
    echo 'gharun: the pod was told to end'
    sleep "$pause_after"
fi
exit 1
