"""IGNY8's paths: SimpleJWT's views for tokens, plain REST framework views for the rest."""

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.urls import include, path
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.views import TokenBlacklistView, TokenObtainPairView, TokenRefreshView


class StrictThrottle(SimpleRateThrottle):
    """Two sign-ins a minute, for the tests of throttling alone."""

    rate = "2/min"

    def get_cache_key(self, request, view):
        return "strict-login"


def described(user):
    return {"id": user.pk, "email": user.email, "username": user.username, "role": "owner"}


class EmailLogin(TokenObtainPairSerializer):
    username_field = "email"

    def validate(self, attrs):
        tokens = super().validate(attrs)
        return {"user": described(self.user), **tokens}


class Logout(TokenBlacklistView):
    """SimpleJWT's view, for a signed-in caller; a body without `refresh` ends all of the user's refresh tokens."""

    authentication_classes = tuple(APIView.authentication_classes)
    permission_classes = (IsAuthenticated,)

    def post(self, request, *args, **kwargs):
        if "refresh" in request.data:
            return super().post(request, *args, **kwargs)
        for token in OutstandingToken.objects.filter(user=request.user):
            BlacklistedToken.objects.get_or_create(token=token)
        return Response({})


class Registration(serializers.Serializer):
    email = serializers.EmailField()
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(write_only=True)
    first_name = serializers.CharField(max_length=150)
    last_name = serializers.CharField(max_length=150)

    def validate_email(self, value):
        if User.objects.filter(email=value).exists():
            raise serializers.ValidationError("A user with that email already exists.")
        return value

    def validate_username(self, value):
        if User.objects.filter(username=value).exists():
            raise serializers.ValidationError("A user with that username already exists.")
        return value

    def validate_password(self, value):
        validate_password(value)
        return value


class Register(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request):
        form = Registration(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(described(User.objects.create_user(**form.validated_data)), status=201)


class PasswordChange(serializers.Serializer):
    old_password = serializers.CharField()
    new_password = serializers.CharField()

    def validate_old_password(self, value):
        if not self.context["request"].user.check_password(value):
            raise serializers.ValidationError("Current password is incorrect.")
        return value

    def validate_new_password(self, value):
        validate_password(value)
        return value


class ChangePassword(APIView):
    permission_classes = (IsAuthenticated,)

    def post(self, request):
        form = PasswordChange(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        request.user.set_password(form.validated_data["new_password"])
        request.user.save()
        return Response({"message": "Password changed"})


class Echo(APIView):
    """The authorised resource: who called, with which token (by its identifier), and what was sent."""

    permission_classes = (IsAuthenticated,)

    def get(self, request):
        return Response(self.answer(request))

    def post(self, request):
        return Response(self.answer(request))

    def answer(self, request):
        return {
            "method": request.method,
            "user": described(request.user),
            "jti": request.auth["jti"],
            "exp": request.auth["exp"],
            "body": request.data,
        }


def api(**login):
    return [
        path("auth/login/", TokenObtainPairView.as_view(serializer_class=EmailLogin, **login)),
        path("auth/refresh/", TokenRefreshView.as_view()),
        path("auth/logout/", Logout.as_view()),
        path("auth/change-password/", ChangePassword.as_view()),
        path("auth/register/", Register.as_view()),
        path("echo/", Echo.as_view()),
    ]


urlpatterns = [
    path("api/v1/", include(api())),
    path("strict/api/v1/", include(api(throttle_classes=[StrictThrottle]))),
]
