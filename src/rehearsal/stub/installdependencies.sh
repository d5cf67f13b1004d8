#!/bin/sh
# The stub runner needs nothing beyond a shell and curl or wget, which it was fetched with.

if [ "$(id -u)" != 0 ]; then
    echo 'Need to run with sudo privilege' >&2
    exit 1
fi
echo 'Finish Install Dependencies'
