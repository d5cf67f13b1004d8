#!/bin/sh
# The stub runner's registration with a token, for servers without just-in-time configurations.
# As the real one it only looks around, and the listener does the work.

root=$(cd "$(dirname "$0")" && pwd) || exit 1
cd "$root" || exit 1

if [ "$(id -u)" = 0 ] && [ -z "${RUNNER_ALLOW_RUNASROOT:-}" ]; then
    echo 'Must not run with sudo'
    exit 1
fi
exec "$root/bin/Runner.Listener" configure "$@"
