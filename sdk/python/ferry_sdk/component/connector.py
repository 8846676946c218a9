"""Entry of a connector's component: joins the author's module with what the host offers. Only the build reads this file."""

import sys

from ferry_sdk.connector import exported
from ferry_plugin import plugin
from wit_world.imports import http, log, signature


class _Host:
    send = staticmethod(http.send)
    send_all = staticmethod(http.send_all)
    hmac_sha256 = staticmethod(signature.hmac_sha256)

    @staticmethod
    def log(level, message):
        log.write(log.Level[level.upper()], message)


class _Lines:
    """What the plugin prints: lines in its log."""

    def __init__(self, level):
        self._level, self._rest = level, ""

    def write(self, text):
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            _Host.log(self._level, line)
        return len(text)

    def flush(self):
        pass


sys.stdout, sys.stderr = _Lines("info"), _Lines("error")

Connector = exported(plugin, _Host)
