"""What of IGNY8's form is put around Django's answers: the envelope, the login by email, one header.

REST framework imports these while it is being set up, so this file imports none of its views
and none of Django's models until they are needed.
"""

import time
import uuid

from rest_framework.renderers import JSONRenderer


class EmailBackend:
    """Signs in by email; the rest is Django's."""

    def authenticate(self, request, email=None, password=None):
        from django.contrib.auth.models import User

        user = User.objects.filter(email=email).first()
        return user if user and user.check_password(password) else None

    def get_user(self, user_id):
        from django.contrib.auth.models import User

        return User.objects.filter(pk=user_id).first()


class EnvelopeRenderer(JSONRenderer):
    """`{success, data, request_id}` or `{success, error, errors, request_id}` around any answer."""

    def render(self, data, accepted_media_type=None, renderer_context=None):
        status = renderer_context["response"].status_code
        body = {"success": status < 400, "request_id": str(uuid.uuid4())}
        if status < 400:
            body["data"] = data
        elif isinstance(data, dict) and "detail" in data:
            body["error"] = str(data["detail"])
        else:
            body["error"] = "Validation failed"
            body["errors"] = data
        return super().render(body, accepted_media_type, renderer_context)


def with_throttle_reset(exc, context):
    """REST framework's own handler; for a throttled call also IGNY8's header beside `Retry-After`."""
    from rest_framework.views import exception_handler

    response = exception_handler(exc, context)
    wait = getattr(exc, "wait", None)
    if response is not None and wait is not None:
        response["X-Throttle-Reset"] = str(int(time.time() + wait) + 1)
    return response
