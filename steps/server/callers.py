"""Who may ask."""

import hmac

from steps.server.errors import RequestError
from steps.server.settings import Settings


class Callers:
    """Checks the token, and the host that a request names: a page elsewhere may name another."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = settings.hosts
        self._token = settings.token

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
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        known = self._token or b""
        right = scheme.lower() == b"bearer" and hmac.compare_digest(given, known)
        if token and self._token and not right:
            raise RequestError(
                "Authorization: expected Bearer and the token of this server",
                401,
                **{"www-authenticate": "Bearer"},
            )


def _name(host: bytes) -> bytes:
    """Leave out the port."""
    name, colon, port = host.lower().rpartition(b":")
    return name if colon and port.isdigit() else host.lower()
