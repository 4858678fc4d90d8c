#!/usr/bin/env python3
"""confined.py UNIT PROGRAM [ARGUMENT...]: runs a program with what the unit lets weir do, as far as
that can be had without systemd: no capability, no new privileges, the unit's system calls, address
families and no memory that is both written and executed. By hand, with a build without sanitizers:

  tests/packaging/confined.py build/release/contrib/systemd/weir.service build/release/weir demo --once
"""

import ctypes
import errno
import os
import re
import subprocess
import sys

ALLOW, EPERM = 0x7FFF0000, 0x00050000 | errno.EPERM
EQ, MASKED = 4, 7
PROT_WRITE, PROT_EXEC = 2, 4
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, CAP_LAST = 38, 24, 40
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17}
NOBODY = 65534


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


def setting(unit, name):
    return re.findall(rf"^{name}=(.*)$", unit, re.M)


def expand(word):
    """The names of a set such as @system-service."""
    if not word.startswith("@"):
        return {word}
    said = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", word], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    inside = [line.strip() for line in said.splitlines()[1:] if line.strip() and "#" not in line]
    return set().union(*(expand(name) for name in inside))


def calls_of(unit):
    allowed = set()
    for line in setting(unit, "SystemCallFilter"):
        names = set().union(*(expand(word) for word in line.lstrip("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def filter_calls(unit):
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(EPERM))

    def allow(name, *compares):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            array = (Compare * len(compares))(*compares)
            assert library.seccomp_rule_add_array(context, ALLOW, number, len(compares), array) == 0, name

    for name in calls_of(unit) - {"socket", "mmap", "mprotect", "pkey_mprotect"}:
        allow(name)
    for family in setting(unit, "RestrictAddressFamilies")[0].split():
        allow("socket", Compare(0, EQ, FAMILIES[family], 0))
    both = PROT_WRITE | PROT_EXEC
    for protection in (0, PROT_WRITE, PROT_EXEC):
        allow("mmap", Compare(2, MASKED, both, protection))
    allow("mprotect", Compare(2, MASKED, PROT_EXEC, 0))
    assert library.seccomp_load(context) == 0


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        unit = file.read()
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        for capability in range(CAP_LAST + 1):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        if not os.environ.get("CONFINED_AS_ROOT"): # where files of root's are to be read
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
    os.umask(int(setting(unit, "UMask")[0], 8))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    filter_calls(unit)
    os.execv(sys.argv[2], sys.argv[2:])


main()
