#!/bin/sh
# Installs the system packages that the sandbox needs (Debian, Ubuntu), or says the one command that does.
set -eu
packages="bubblewrap libseccomp2"

have_bwrap() { command -v bwrap >/dev/null 2>&1; }
have_seccomp() { ldconfig -p 2>/dev/null | grep -q 'libseccomp\.so\.2' || /sbin/ldconfig -p 2>/dev/null | grep -q 'libseccomp\.so\.2'; }

if have_bwrap && have_seccomp; then
    exit 0
fi
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing $packages"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
    exit 0
fi
echo "The sandbox needs bubblewrap. Ask whoever administers this machine to type, or type yourself:" >&2
echo "    sudo apt-get install -y $packages        (Debian, Ubuntu; elsewhere: dnf install bubblewrap libseccomp)" >&2
exit 1
