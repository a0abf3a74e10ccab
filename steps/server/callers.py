"""Who may ask."""

import hmac

from steps.server.errors import RequestError
from steps.server.settings import Settings


class Callers:
    """Checks the token, and the host that a request names: a page elsewhere may name another."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = settings.hosts
        self._bearer = b"Bearer " + settings.token if settings.token else None

    def check(self, headers: dict[bytes, bytes], token: bool = True) -> None:
        """Refuse a stranger.

        Parameters
        ----------
        headers : dict
        token : bool
            Whether the token is asked for.

        Raises
        ------
        RequestError
            With 421 for a foreign host, 401 for a missing or wrong token.
        """
        if self._hosts and _name(headers.get(b"host", b"")) not in self._hosts:
            raise RequestError("Host: expected a name that this server goes by (hosts)", 421)
        given = headers.get(b"authorization", b"")
        if token and self._bearer and not hmac.compare_digest(given, self._bearer):
            raise RequestError(
                "Authorization: expected Bearer and the token of this server",
                401,
                **{"www-authenticate": "Bearer"},
            )


def _name(host: bytes) -> bytes:
    """Leave out the port."""
    name, colon, port = host.lower().rpartition(b":")
    return name if colon and port.isdigit() else host.lower()
