"""The gateway's HTTP face: the API that shops build on, and the page. ``create_app`` makes it of the ports."""

from services.gateway.http.app import create_app
from services.gateway.http.credits import Credit
from services.gateway.http.settings import HttpSettings

__all__ = ["Credit", "HttpSettings", "create_app"]
