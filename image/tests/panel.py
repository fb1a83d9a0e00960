"""The gateway's page, asked from outside through the port that the card's settings opened."""

import http.client
import json


class Panel:
    def __init__(self, port):
        self.port = port

    def get(self, path):
        """Status and body; none where nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            # The console answers to its own name only; this is the near end of a tunnel to it.
            connection.request("GET", path, headers={"Host": "127.0.0.1:8080"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def now(self):
        """What the panel shows; none where it does not answer."""
        got = self.get("/panel")
        return json.loads(got[1]) if got and got[0] == 200 else None

    def status(self, name):
        """One thing of its line of status; none where it does not answer."""
        shown = self.now()
        return shown and shown["status"][name]
