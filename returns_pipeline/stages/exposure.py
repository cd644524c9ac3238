"""Whether a Dagster web server of this machine can be reached from others. Dagster has no login: whoever reaches it can approve and launch."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

from returns_pipeline.settings import Settings

_SERVERS = ("dagster-webserver", "dagster_webserver", "dagit")
_HOST_OPTIONS = ("-h", "--host", "--dagit-host")


@dataclass(frozen=True)
class WebServer:
    """A web server of this machine: its command line, and the addresses that it listens on as far as we may see them."""

    words: Sequence[str]
    listens_on: Sequence[str] = ()


def objections(settings: Settings, servers: Iterable[WebServer]) -> list[str]:
    """One sentence per address beyond loopback; none where the settings say that a proxy with login is before it.

    Args:
        servers: of `running_servers`.
    """
    if settings.ui.behind_proxy:
        return []
    return [
        f"a Dagster web server listens on {host}, and Dagster has no login: bind it to 127.0.0.1 behind a proxy with login, then write [ui] behind_proxy = true"
        for host in exposed_hosts(servers)
    ]


def exposed_hosts(servers: Iterable[WebServer]) -> list[str]:
    """Hosts beyond loopback that web servers listen on, or are told to listen on."""
    hosts = {host for server in servers for host in (*_hosts_of(server.words), *server.listens_on)}
    return sorted(host for host in hosts if not _is_loopback(host))


def running_servers() -> list[WebServer]:
    """The web servers among this machine's processes; one that ends meanwhile has none, one of another user only its command line."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if is_web_server(words):
            found.append(WebServer(words, _listens_on(process)))
    return found


def is_web_server(words: Sequence[str]) -> bool:
    """Whether a command line starts Dagster's web server, by itself or with `dagster dev`."""
    is_server = any(word.rsplit("/", 1)[-1] in _SERVERS for word in words[:4])
    is_dev = any(word.rsplit("/", 1)[-1] in ("dagster", "dg") for word in words[:3]) and "dev" in words
    return is_server or is_dev


def _listens_on(process: psutil.Process) -> list[str]:
    """Where it really listens: a host may also come from a variable, such as DAGSTER_WEBSERVER_HOST."""
    try:
        return [held.laddr.ip for held in process.net_connections("inet") if held.status == psutil.CONN_LISTEN]
    except psutil.Error:
        return []


def _hosts_of(words: Sequence[str]) -> list[str]:
    hosts = [after for word, after in zip(words, words[1:], strict=False) if word in _HOST_OPTIONS]
    hosts += [word.partition("=")[2] for word in words if word.startswith(("--host=", "--dagit-host="))]
    return hosts + [word[2:] for word in words if word.startswith("-h") and len(word) > 2]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
