#!/bin/sh
# The stub runner's registration with a token, for servers without just-in-time configurations.

root=$(cd "$(dirname "$0")" && pwd) || exit 1
cd "$root" || exit 1

if [ "$(id -u)" = 0 ] && [ -z "${RUNNER_ALLOW_RUNASROOT:-}" ]; then
    echo 'Must not run with sudo'
    exit 1
fi

url=${ACTIONS_RUNNER_INPUT_URL:-}
token=${ACTIONS_RUNNER_INPUT_TOKEN:-}
name=${ACTIONS_RUNNER_INPUT_NAME:-$(uname -n)}
labels=${ACTIONS_RUNNER_INPUT_LABELS:-}
ephemeral=${ACTIONS_RUNNER_INPUT_EPHEMERAL:+yes}
replace=${ACTIONS_RUNNER_INPUT_REPLACE:+yes}
defaults=yes
while [ $# -gt 0 ]; do
    case $1 in
        --url | --token | --name | --labels | --work | --runnergroup)
            [ $# -ge 2 ] || { echo "No value for $1" >&2; exit 1; }
            case $1 in
                --url) url=$2 ;;
                --token) token=$2 ;;
                --name) name=$2 ;;
                --labels) labels=$2 ;;
            esac
            shift
            ;;
        --ephemeral) ephemeral=yes ;;
        --no-default-labels) defaults=no ;;
        --replace) replace=yes ;;
        --disableupdate | --unattended) ;;
        *) echo "Unrecognized command-line input arguments: '$1'" >&2; exit 1 ;;
    esac
    shift
done

if [ -e .runner ]; then
    echo 'Cannot configure the runner because it is already configured.' >&2
    exit 1
fi
if [ "$defaults" = yes ]; then
    labels="self-hosted,$(uname -s),$(uname -m)${labels:+,$labels}"
fi
# The scheme and the host of the URL: the stand-in has the runner service there.
host=$(printf '%s\n' "$url" | sed -n 's|^\(https\{0,1\}://[^/]*\).*|\1|p')
if [ -z "$host" ] || [ -z "$token" ]; then
    echo 'A URL and a token are needed.' >&2
    exit 1
fi

umask 077
form=$root/.register.$$
trap 'rm -f "$form"' EXIT
printf 'url=%s\ntoken=%s\nname=%s\nlabels=%s\nephemeral=%s\nreplace=%s\n' \
    "$url" "$token" "$name" "$labels" "${ephemeral:-no}" "${replace:-no}" >"$form" || exit 1
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
if command -v curl >/dev/null 2>&1; then
    answer=$(curl -sS -f --data-binary "@$form" "$host/runner-service/register")
else
    answer=$(wget -q -O - --post-file "$form" "$host/runner-service/register")
fi
case $answer in
    'blob '*) ;;
    'error '*) echo "${answer#error }" >&2; exit 1 ;;
    *) echo 'The server did not answer.' >&2; exit 1 ;;
esac
printf '%s\n' "${answer#blob }" | "$root/bin/Runner.Listener" unpack || exit 1
echo '√ Runner successfully added'
echo '√ Settings Saved.'
