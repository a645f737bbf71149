"""Is this machine fit? The first step of `make setup`: standard library only, and syntax that an old Python can read too."""

import os
import platform
import sys


def missing():
    """Each thing that is missing, with the way to get it, in Chinese and English."""
    if sys.version_info < (3, 11):
        yield (
            "需要 Python 3.11 或更高版本，当前是 %s。安装：apt-get install python3 / dnf install python3.12，然后 make PYTHON=python3.12 …"
            % platform.python_version(),
            "Python 3.11 or later is needed, this is %s. Install it, then: make PYTHON=python3.12 ..." % platform.python_version(),
        )
    try:
        import ensurepip
        import venv
    except ImportError:
        yield (
            "Python 缺少 venv 模块。安装：apt-get install python3-venv",
            "Python lacks its venv module. Install it: apt-get install python3-venv",
        )
    library, version = platform.libc_ver()
    if library != "glibc" or tuple(int(part) for part in version.split(".")[:2]) < (2, 34):
        yield (
            "需要 glibc 2.34 或更高版本，当前是 %s %s。请使用 Debian 12、Ubuntu 22.04、openEuler 24.03、RHEL 9 或更新的系统。"
            % (library or "?", version),
            "glibc 2.34 or later is needed, this is %s %s. Use Debian 12, Ubuntu 22.04, openEuler 24.03, RHEL 9 or later."
            % (library or "?", version),
        )
    if platform.machine() not in ("x86_64", "aarch64"):
        yield (
            "只支持 x86_64 和 aarch64 处理器，当前是 %s。" % platform.machine(),
            "Only x86_64 and aarch64 are supported, this is %s." % platform.machine(),
        )
    if os.geteuid() == 0 and os.system("unshare -U --map-user=1000 --map-group=1000 true >/dev/null 2>&1") != 0:
        yield (
            "以 root 运行时 PostgreSQL 需要用户命名空间（unshare -U），本机不允许。请改用普通用户运行。",
            "Run by root, PostgreSQL needs user namespaces (unshare -U), which this machine does not allow. Run as an ordinary user.",
        )


if __name__ == "__main__":
    found = list(missing())
    for chinese, english in found:
        sys.stderr.write("✗ %s\n  %s\n" % (chinese, english))
    sys.exit(1 if found else 0)
