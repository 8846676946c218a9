"""A real Tryton server for a crossing.

    tryton.py prepare DATABASE   makes a database with the modules of parties and of opportunities in it
    tryton.py serve DATABASE     serves a copy of it on a free port of 127.0.0.1 until standard input closes

When it can be signed in to, it writes one line of JSON: its address, and the user and the password that it knows. Then each line of
standard input, `[METHOD, PARAMETERS..]`, is a call by somebody who works in Tryton, and its result is a line of standard output.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

USER, PASSWORD = "admin", "correct-horse-battery"
NAME = "crm"
PROGRAMS = os.path.dirname(sys.executable)
# The modules are loaded before the first sign-in, which takes seconds.
PATIENCE_S = 60


def configured(folder):
    """The path of a configuration for a database that lies in this folder."""
    path = os.path.join(folder, "trytond.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:0\n")
    return path


def prepare(database):
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, NAME + ".sqlite")
        open(made, "wb").close()
        password = os.path.join(folder, "password")
        with open(password, "w", encoding="utf-8") as file:
            file.write(PASSWORD)
        admin = [os.path.join(PROGRAMS, "trytond-admin"), "-c", configured(folder), "-d", NAME, "--all"]
        words = ["-u", "sale_opportunity", "--activate-dependencies", "--email", "admin@example.com"]
        subprocess.run(admin + words, env={**os.environ, "TRYTONPASSFILE": password}, check=True)
        shutil.move(made, database)


def call(address, session, method, *params):
    headers = {"content-type": "application/json"}
    if session is not None:
        headers["authorization"] = f"Session {session}"
    body = json.dumps({"id": 0, "method": method, "params": params}).encode()
    with urllib.request.urlopen(urllib.request.Request(address + "/rpc/", body, headers), timeout=PATIENCE_S) as answer:
        return json.load(answer)


def signed_in(address):
    """A session, as soon as the server lets anybody in."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            answer = call(address, None, "common.db.login", USER, {"password": PASSWORD}, "en")
            if "result" in answer:
                user, key = answer["result"][:2]
                return base64.b64encode(f"{USER}:{user}:{key}".encode()).decode()
        except urllib.error.URLError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"Tryton lets nobody sign in after {PATIENCE_S} s")


def serve(database):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(database, os.path.join(folder, NAME + ".sqlite"))
        words = [os.path.join(PROGRAMS, "trytond"), "-c", configured(folder), "-d", NAME]
        server = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        try:
            found = (re.search(r"Running on (http://127\.0\.0\.1:\d+)", line) for line in server.stderr)
            place = next((match for match in found if match), None)
            if place is None:
                raise SystemExit(f"Tryton's server ended with {server.wait()} before it served")
            # Its log must not fill the pipe.
            threading.Thread(target=lambda: [None for _ in server.stderr], daemon=True).start()
            address = f"{place[1]}/{NAME}"
            session = signed_in(address)
            print(json.dumps({"base_url": address, "user": USER, "password": PASSWORD}), flush=True)
            for line in sys.stdin:
                print(json.dumps(call(address, session, *json.loads(line))), flush=True)
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    {"prepare": prepare, "serve": serve}[sys.argv[1]](sys.argv[2])
