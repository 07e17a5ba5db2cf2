"""Django REST framework with SimpleJWT's own views, under IGNY8's paths (igny8_api.py).

Django, REST framework and SimpleJWT decide here what a token is, when it is refused, what a
refresh returns and how an error is worded. Of this project are only: the paths, a renderer
that puts IGNY8's envelope around what they answer, and the login by email in place of the user
name (igny8_envelope.py). README.md beside this file says what that proves and what it does not.

Lives, in seconds: IGNY8_ACCESS_SECONDS (5) and IGNY8_REFRESH_SECONDS (600).
"""

import os
import secrets
import socketserver
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings

import lifecycle

STATE = tempfile.TemporaryDirectory(prefix="countersign-igny8-")

settings.configure(
    SECRET_KEY=secrets.token_urlsafe(48),
    DEBUG=False,
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF="igny8_api",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(Path(STATE.name) / "db.sqlite3"),
            "OPTIONS": {"timeout": 20},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "rest_framework",
        "rest_framework_simplejwt",
        "rest_framework_simplejwt.token_blacklist",
    ],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    APPEND_SLASH=True,
    AUTHENTICATION_BACKENDS=["igny8_envelope.EmailBackend"],
    AUTH_PASSWORD_VALIDATORS=[
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
        {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    ],
    # The tests sign in often; the strength of a password's hash is not what they are about.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["igny8_envelope.EnvelopeRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
        "EXCEPTION_HANDLER": "igny8_envelope.with_throttle_reset",
    },
    SIMPLE_JWT={
        "ACCESS_TOKEN_LIFETIME": timedelta(seconds=int(os.environ.get("IGNY8_ACCESS_SECONDS", "5"))),
        "REFRESH_TOKEN_LIFETIME": timedelta(seconds=int(os.environ.get("IGNY8_REFRESH_SECONDS", "600"))),
        "ROTATE_REFRESH_TOKENS": True,
        "BLACKLIST_AFTER_ROTATION": True,
    },
)


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_):
        """Nothing: standard error is for faults."""


def main():
    django.setup()
    # Django's models can be imported only now.
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.core.servers.basehttp import get_internal_wsgi_application

    call_command("migrate", verbosity=0)
    password = "Perm4nent-canary!"
    names = ["lee", "refresh", "rotate", "logout", "change", "strict", "live"]
    for name in names:
        User.objects.create_user(name, f"{name}@studio.example", password, first_name=name, last_name="Example")
    server = Server(("127.0.0.1", 0), QuietHandler)
    server.set_app(get_internal_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    lifecycle.report(
        {
            "COUNTERSIGN_IGNY8_URL": f"{origin}/api/v1",
            "COUNTERSIGN_IGNY8_STRICT_URL": f"{origin}/strict/api/v1",
            "COUNTERSIGN_IGNY8_ECHO": f"{origin}/api/v1/echo/",
            "COUNTERSIGN_IGNY8_USERS": ",".join(f"{name}@studio.example" for name in names),
            "COUNTERSIGN_IGNY8_PASSWORD": password,
            "COUNTERSIGN_IGNY8_ACCESS_SECONDS": int(settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"].total_seconds()),
        }
    )
    lifecycle.until_told_to_end()
    server.shutdown()
    server.server_close()
    STATE.cleanup()


if __name__ == "__main__":
    main()
