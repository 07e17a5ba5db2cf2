"""How a client of others talks with the test that starts it.

The test writes one line of JSON on standard input: where the simulator is, and whom to sign in.
The client plays the case that its argument names and prints what it saw. It may ask the test for
what a person would find in a mailbox: `ASK identity`, answered by one line.
"""

import base64
import hashlib
import hmac
import json
import signal
import struct
import sys
import time

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

# A client that hangs ends by itself.
LIMIT = 120


def play(cases):
    signal.alarm(LIMIT)
    setting = json.loads(sys.stdin.readline())
    told = cases[sys.argv[1]](setting)
    print(f"SAW {told}", flush=True)


def mail(identity):
    """What was sent to that user last."""
    print(f"ASK {identity}", flush=True)
    return sys.stdin.readline().strip()


def pool(setting):
    return boto3.client(
        "cognito-idp",
        endpoint_url=setting["url"],
        region_name=setting["pool_id"].split("_")[0],
        config=Config(signature_version=UNSIGNED, retries={"max_attempts": 1}, proxies={}),
    )


def refusal(call, *args, **kwargs):
    """The exception's name and text, of a call that has to be refused."""
    try:
        call(*args, **kwargs)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError("not refused")


def same(left, right):
    assert left == right, f"{left!r} is not {right!r}"


def code(secret, at=None):
    """RFC 6238 with the service's parameters: SHA-1, 30 seconds, six digits."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    step = int(time.time() if at is None else at) // 30
    mac = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = mac[-1] & 0x0F
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06d}"


def next_code(secret):
    """The code of the step after this one, which the pool takes too: this one's may be used."""
    return code(secret, time.time() + 30)
