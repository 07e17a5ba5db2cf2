"""Serves one Cognito emulator on a loopback port of the system's choice, with a pool ready to use.

    python3 cognito_server.py ministack
    python3 cognito_server.py moto

Neither emulator is of this project. README.md beside this file says where each is laxer than
the service.
"""

import asyncio
import os
import socket
import sys
import tempfile
import threading
import urllib.error
import urllib.request

import cognito_setup
import lifecycle


# What each takes, and what it refuses, as a code of ForgotPassword: neither sends a message.
CODES = {
    "ministack": {"RESET_CODE": "654321", "WRONG_CODE": "111111"},
    # moto takes every code but a wrong one of its own form.
    "moto": {"RESET_CODE": "654321", "WRONG_CODE": "moto-confirmation-code:000000"},
}


def serve_ministack():
    """ministack with AUTH=true: signatures, secret hashes and codes are checked."""
    state = tempfile.TemporaryDirectory(prefix="countersign-ministack-")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    port = listener.getsockname()[1]
    os.environ.update(
        {
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": cognito_setup.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": cognito_setup.SECRET_KEY,
            "MINISTACK_REGION": cognito_setup.REGION,
            "GATEWAY_PORT": str(port),
            "SERVICES": "cognito-idp",
            "LOG_LEVEL": "ERROR",
            "STATE_DIR": state.name,
            # Of the many listeners that it can open, none but the one above; and no container is its business.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": f"unix://{state.name}/none",
            "COGNITO_EMAIL_ENABLED": "false",
        }
    )
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    config = Config()
    # hypercorn owns the socket from here on.
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "ERROR"
    config.graceful_timeout = 1

    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve(app, config, shutdown_trigger=ended.wait)))
    thread.start()

    def end():
        loop.call_soon_threadsafe(ended.set)
        thread.join(timeout=5)
        state.cleanup()

    return f"http://127.0.0.1:{port}", end


def serve_moto():
    """moto's server, with its check of time-based codes on (it is off by default)."""
    os.environ.update(
        {
            "MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP": "true",
            "AWS_ACCESS_KEY_ID": cognito_setup.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": cognito_setup.SECRET_KEY,
        }
    )
    import logging

    from moto.server import ThreadedMotoServer

    # What moto does not have it answers with 500 and a trace; the caller sees the 500.
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}", server.stop


def wait_until_it_answers(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(150):
        try:
            opener.open(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            threading.Event().wait(0.1)
    raise SystemExit(f"{url} did not answer within 15 seconds")


def main():
    servers = {"ministack": serve_ministack, "moto": serve_moto}
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in servers:
        raise SystemExit(f"usage: cognito_server.py {'|'.join(servers)}")
    url, end = servers[name]()
    try:
        wait_until_it_answers(url)
        values = cognito_setup.create(url, name.upper())
        for key, value in CODES[name].items():
            values[f"COUNTERSIGN_{name.upper()}_{key}"] = value
        lifecycle.report(values)
        lifecycle.until_told_to_end()
    finally:
        end()


if __name__ == "__main__":
    main()
