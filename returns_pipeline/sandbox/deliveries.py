"""Sends webhooks to whoever registered for them: one thread, in order, each once. What is sent, and when, is the worlds'."""

import contextlib
import queue
import threading

import requests

_PATIENCE_SECONDS = 5.0


class Deliveries:
    """A queue of messages. An address that does not answer loses its message, as with Brightpearl's quality of service 0."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._session = requests.Session()
        self._session.trust_env = False
        self._thread = threading.Thread(target=self._deliver, daemon=True)
        self._thread.start()

    def __call__(self, url: str, body: str) -> None:
        """Queues a message; whoever changed something does not wait for it."""
        self._waiting.put((url, body))

    def stop(self) -> None:
        """Ends the thread after what is queued."""
        self._waiting.put(None)
        self._thread.join()
        self._session.close()

    def _deliver(self) -> None:
        while (message := self._waiting.get()) is not None:
            url, body = message
            with contextlib.suppress(requests.RequestException):
                self._session.post(
                    url, data=body.encode(), headers={"Content-Type": "application/json"}, timeout=_PATIENCE_SECONDS
                )
