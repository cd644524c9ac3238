"""Whether a Dagster web server of this machine can be reached from others. Dagster has no login: whoever reaches it can approve and launch."""

import ipaddress
from collections.abc import Iterable, Sequence

import psutil  # type: ignore[import-untyped]

from returns_pipeline.settings import Settings

_SERVERS = ("dagster-webserver", "dagster_webserver", "dagit")
_HOST_OPTIONS = ("-h", "--host")


def objections(settings: Settings, command_lines: Iterable[Sequence[str]]) -> list[str]:
    """One sentence per web server that listens beyond loopback; none where the settings say that a proxy with login is before it.

    Args:
        command_lines: of `running_commands`.
    """
    if settings.ui.behind_proxy:
        return []
    return [
        f"a Dagster web server listens on {host}, and Dagster has no login: bind it to 127.0.0.1 behind a proxy with login, then write [ui] behind_proxy = true"
        for host in exposed_hosts(command_lines)
    ]


def exposed_hosts(command_lines: Iterable[Sequence[str]]) -> list[str]:
    """Hosts beyond loopback that web servers among these command lines listen on."""
    hosts = [_host_of(words) for words in command_lines if _is_web_server(words)]
    return sorted({host for host in hosts if not _is_loopback(host)})


def running_commands() -> list[Sequence[str]]:
    """The command lines of this machine's processes; one that ends meanwhile, or that another user hides, has none."""
    return [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]


def _is_web_server(words: Sequence[str]) -> bool:
    is_server = any(word.rsplit("/", 1)[-1] in _SERVERS for word in words[:4])
    is_dev = any(word.rsplit("/", 1)[-1] in ("dagster", "dg") for word in words[:3]) and "dev" in words
    return is_server or is_dev


def _host_of(words: Sequence[str]) -> str:
    for place, word in enumerate(words):
        if word in _HOST_OPTIONS and place + 1 < len(words):
            return words[place + 1]
        if word.startswith("--host="):
            return word.removeprefix("--host=")
    return "127.0.0.1"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
