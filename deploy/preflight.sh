#!/bin/sh
# What an installation needs, checked before anything is downloaded. Argument: the Python that make found.
fail() {
    echo "realign-edge cannot be installed yet: $1" >&2
    echo "  -> $2" >&2
    exit 1
}
[ -n "$1" ] || fail "no Python 3.11 or 3.12 was found" \
    "install one (Debian, Ubuntu: apt-get install python3 python3-venv python3-dev), or run make PYTHON=/path/to/python3.11"
"$1" -c 'import venv, ensurepip' 2>/dev/null || fail "$1 has no venv module" \
    "Debian, Ubuntu: apt-get install python3-venv"
command -v c++ >/dev/null 2>&1 || command -v g++ >/dev/null 2>&1 || fail "no C++ compiler was found (hnswlib is compiled here)" \
    "Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++"
header=$("$1" -c 'import sysconfig, os; print(os.path.join(sysconfig.get_paths()["include"], "Python.h"))')
[ -f "$header" ] || fail "the headers of $1 are missing (hnswlib is compiled here)" \
    "Debian, Ubuntu: apt-get install python3-dev"
free_mb=$(df -Pm . | awk 'NR == 2 {print $4}')
[ "$free_mb" -ge 6000 ] || fail "only $free_mb MB of disk are free here, 6000 are needed" \
    "free some space, or clone the project onto a larger disk"
