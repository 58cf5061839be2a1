"""Python packages of a later Debian, unpacked beside the system's."""

import os
import pathlib
import subprocess
import tempfile

CACHE = pathlib.Path("/var/cache/drover-tests")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def python_package(package, suite="trixie"):
    """The directory to put into PYTHONPATH; fetched with apt at the first use. None if it can't be
    had (no network, or an archive without it)."""
    target = CACHE / f"{package.removeprefix('python3-')}-{suite}"
    if target.exists():
        return str(target)
    with tempfile.TemporaryDirectory() as folder:
        try:
            unpacked = _fetch(package, suite, pathlib.Path(folder))
        except (OSError, subprocess.SubprocessError):
            return None
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", unpacked, f"{target}.new"], check=True)
        os.replace(f"{target}.new", target)
    return str(target)


def _fetch(package, suite, folder):
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(
        f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {suite} main\n", encoding="utf-8")
    (folder / "apt.conf").write_text(
        f'Dir::State::Lists "{folder}/lists";\nDir::State::status "{folder}/status";\n'
        f'Dir::Etc::SourceList "{folder}/sources.list";\nDir::Etc::SourceParts "-";\n'
        f'Dir::Cache "{folder}/cache";\nAPT::Sandbox::User "root";\n', encoding="utf-8")
    environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}
    for command in (["apt-get", "-q", "update"], ["apt-get", "-q", "download", package]):
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True,
                       timeout=600)
    archive = next(folder.glob("*.deb"))
    subprocess.run(["dpkg", "-x", archive, folder / "root"], check=True)
    return folder / "root/usr/lib/python3/dist-packages"
