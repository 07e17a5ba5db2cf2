"""Vectors for SRP, made with pycognito: an implementation that nobody of this project wrote.

    python srp_vectors.py [--each N]

prints one vector a line as JSON. They are searched for what a naive implementation gets wrong: numbers
that begin with zeros. N of them have such a SALT, N such an SRP_B, N such a u; half of N such an S,
which costs most to find. Everything is drawn from one fixed seed, so that two runs print the same.

What the client's half (`a`) is made of is the adapter's own affair: it is derived here from the seed of
the vector in the way that `crates/providers/cognito/src/srp/mod.rs` documents (HKDF-Expand of RFC 5869).

pycognito takes SALT as text into its hash, AWS's own client for JavaScript as a number. The two agree on
every salt that the service sends (it sends numbers, without leading zeros) and differ where zero bytes
stand before it. Here the salt is handed to pycognito as the number that AWS's client makes of it.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import random
import types

from pycognito import aws_srp

POOL_ID = "eu-west-1_AbCdEfGhI"
CLIENT_ID = "1example23456789"
N = int(aws_srp.N_HEX, 16)
G = 2
K = int(hashlib.sha256(bytes.fromhex("00" + aws_srp.N_HEX + "02")).hexdigest(), 16)
TOP_BYTE_OF_N = 1 << 3064
TOP_BYTE_OF_HASH = 1 << 248


class Clock(datetime.datetime):
    """The time of the vector instead of that of the machine."""

    @classmethod
    def utcnow(cls):
        return cls.now_of_vector


class Client(aws_srp.AWSSRP):
    """pycognito's client with an ephemeral that is given."""

    def __init__(self, vector):
        self._a = ephemeral(base64.b64decode(vector["seed"]))
        super().__init__(
            username=vector["identity"],
            password=vector["password"],
            pool_id=POOL_ID,
            client_id=CLIENT_ID,
            client=object(),
            client_secret=vector.get("client_secret"),
        )

    def generate_random_small_a(self):
        return self._a % self.big_n

    def get_password_authentication_key(self, username, password, server_b_value, salt):
        return super().get_password_authentication_key(
            username, password, server_b_value, int(salt, 16)
        )


def ephemeral(seed):
    out, last, block = b"", b"", 1
    while len(out) < 128:
        info = last + b"countersign cognito user" + bytes([block])
        last = hmac.new(seed, info, hashlib.sha256).digest()
        out, block = out + last, block + 1
    return int.from_bytes(out[:128], "big")


def padded(number):
    return bytes.fromhex(aws_srp.pad_hex(number))


def sha(data):
    return int.from_bytes(hashlib.sha256(data).digest(), "big")


class Powers:
    """Powers of one base, by a table of sixteen for each digit of the exponent."""

    def __init__(self, base):
        self.table = []
        for _ in range(64):
            row = [1]
            for _ in range(15):
                row.append(row[-1] * base % N)
            self.table.append(row)
            base = row[-1] * base % N

    def of(self, exponent):
        power = 1
        for row in self.table:
            power = power * row[exponent & 15] % N
            exponent >>= 4
        return power


class Maker:
    def __init__(self):
        self.random = random.Random(20261122)

    def account(self, salt=None):
        """A vector without the server's answer, and what the server keeps of its password."""
        draw = self.random
        vector = {
            "seed": base64.b64encode(draw.randbytes(32)).decode(),
            # Days of one and of two digits, in every month.
            "now": draw.randrange(1_700_000_000, 1_900_000_000),
            "identity": "kim",
            "user_id": f"{draw.getrandbits(128):032x}",
            "password": "canary-%x\u00e4 Pw!" % draw.getrandbits(48),
            "salt": salt or f"{draw.getrandbits(128) | 1 << 127:x}",
            "secret_block": base64.b64encode(draw.randbytes(draw.randrange(40, 1400))).decode(),
        }
        if draw.random() < 0.5:
            vector["client_secret"] = "canary-%x" % draw.getrandbits(64)
        inner = POOL_ID.split("_")[1] + vector["user_id"] + ":" + vector["password"]
        inner = hashlib.sha256(inner.encode()).digest()
        x = sha(padded(int(vector["salt"], 16)) + inner)
        return vector, pow(G, x, N)

    def halves(self, v):
        """The server's ephemerals, one after the other, with B. A step costs a doubling."""
        b = self.random.getrandbits(256)
        power = pow(G, b, N)
        while True:
            yield b, (K * v + power) % N
            b, power = b + 1, power * 2 % N

    def salt(self):
        zeros = self.random.randrange(1, 9)
        number = self.random.getrandbits(128 - 4 * zeros) | 1
        salt = self.random.choice([f"{number:x}", f"{number:032x}", f"00{number:x}"])
        vector, v = self.account(salt)
        return vector, next(self.halves(v))[1]

    def srp_b(self):
        vector, v = self.account()
        return vector, next(B for _, B in self.halves(v) if B < TOP_BYTE_OF_N)

    def u(self):
        vector, v = self.account()
        A = padded(Client(vector).large_a_value)
        halves = self.halves(v)
        return vector, next(B for _, B in halves if sha(A + padded(B)) < TOP_BYTE_OF_HASH)

    def s(self):
        vector, v = self.account()
        A = Client(vector).large_a_value
        powers = Powers(v)
        # The server's ephemerals are small here, so that a try costs a millisecond.
        start = self.random.getrandbits(16) + 2
        for b in range(start, start + (1 << 20)):
            B = (K * v + pow(G, b, N)) % N
            u = sha(padded(A) + padded(B))
            if pow(A * powers.of(u) % N, b, N) < TOP_BYTE_OF_N:
                return vector, B
        raise AssertionError("the search was unlucky a million times")

    def vector(self, kind):
        vector, B = getattr(self, kind)()
        width = self.random.choice([0, 768])
        vector["srp_b"] = f"{B:0{width}x}"
        vector["leading_zeros_in"] = kind
        client = Client(vector)
        Clock.now_of_vector = datetime.datetime.fromtimestamp(vector["now"], datetime.timezone.utc)
        parameters = {
            "USERNAME": vector["user_id"],
            "USER_ID_FOR_SRP": vector["user_id"],
            "SALT": vector["salt"],
            "SRP_B": vector["srp_b"],
            "SECRET_BLOCK": vector["secret_block"],
        }
        sent = client.get_auth_params()
        vector["auth_parameters"] = sent
        vector["challenge_responses"] = client.process_challenge(parameters, sent)
        return vector


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--each", type=int, default=160)
    each = arguments.parse_args().each
    aws_srp.datetime = types.SimpleNamespace(datetime=Clock)
    maker = Maker()
    for kind, count in [("salt", each), ("srp_b", each), ("u", each), ("s", each // 2)]:
        for _ in range(count):
            print(json.dumps(maker.vector(kind)), flush=True)


if __name__ == "__main__":
    main()
