"""Sections on source systems: how each is reached, and where webhooks are received."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from plugins.core.settings.lake import StorageSettings
from plugins.core.settings.section import Section

_SECRET_OPTION = re.compile(r"password|secret|key\.pem$|sasl\.oauthbearer\.config$")


class WebhooksSettings(Section):
    """Where `smelt webhooks serve` listens."""

    host: str = Field(default="127.0.0.1", description="Address to listen at; `0.0.0.0`: at all of the machine's.")
    port: int = Field(default=8400, ge=0, le=65535, description="0: any that is free.")
    tls_certificate: str | None = Field(default=None, description="PEM file of the certificate (chain): HTTPS.")
    tls_key: str | None = Field(default=None, description="PEM file of its key.")
    tls_client_ca: str | None = Field(
        default=None, description="PEM file of authorities: senders must show a certificate of theirs."
    )
    proxies: str = Field(
        default="127.0.0.1", description="Addresses of proxies whose `X-Forwarded-For` is believed, with commas."
    )


class KafkaSettings(Section):
    """How the brokers of `url` are reached, and their schema registry."""

    options: dict[str, str] = Field(
        default_factory=dict,
        description="Properties of librdkafka, such as `security.protocol`, `sasl.mechanism`, `sasl.username`, "
        "`ssl.ca.location`. What is secret (`sasl.password`, `ssl.key.password`) is a reference.",
    )
    registry: str | None = Field(default=None, description="URL of the schema registry, or a reference to it.")
    registry_user: str | None = Field(
        default=None, description="`user:password` for the registry, or a token, as a reference."
    )
    registry_ca: str | None = Field(
        default=None, description="File of the certificate authority that signed the registry's certificate."
    )

    @field_validator("registry_user")
    @classmethod
    def _is_reference(cls, user: str | None) -> str | None:
        if user is not None and not user.startswith(("env:", "file:")):
            raise ValueError("credentials are a reference: env:NAME or file:PATH")
        return user

    @field_validator("options")
    @classmethod
    def _secrets_are_references(cls, options: dict[str, str]) -> dict[str, str]:
        for name, value in options.items():
            if _SECRET_OPTION.search(name) and not value.startswith(("env:", "file:")):
                raise ValueError(f"{name} is a secret, so it is a reference: env:NAME or file:PATH")
        return options


class MongoSettings(Section):
    """How the MongoDB deployment of `url` is reached, beside what the URL says."""

    user: str | None = Field(default=None, description="Name to sign in with, or a reference to it.")
    password: str | None = Field(default=None, description="Its password, as a reference.")
    options: dict[str, str] = Field(
        default_factory=dict,
        description="Options of a connection string, such as `tls`, `tlsCAFile`, `tlsCertificateKeyFile`, "
        "`authSource`. Files are named from the project's folder. What is secret is a reference.",
    )

    @field_validator("password")
    @classmethod
    def _is_reference(cls, password: str | None) -> str | None:
        if password is not None and not password.startswith(("env:", "file:")):
            raise ValueError("a password is a reference: env:NAME or file:PATH")
        return password

    @field_validator("options")
    @classmethod
    def _secrets_are_references(cls, options: dict[str, str]) -> dict[str, str]:
        for name, value in options.items():
            if name.lower().endswith("password") and not value.startswith(("env:", "file:")):
                raise ValueError(f"{name} is a secret, so it is a reference: env:NAME or file:PATH")
        return options


class MysqlSettings(Section):
    """TLS to the MySQL or MariaDB server of `url`; without any of these, it is used if the server offers it."""

    password: str | None = Field(default=None, description="Of the URL's user, as a reference.")
    ssl_ca: str | None = Field(
        default=None,
        description="File of the authority that signed the server's certificate: TLS, or no connection.",
    )
    ssl_cert: str | None = Field(default=None, description="File of the client's certificate.")
    ssl_key: str | None = Field(default=None, description="File of its key.")
    ssl_verify_identity: bool = Field(
        default=True, description="Whether the certificate must be of the host that the URL names."
    )

    @field_validator("password")
    @classmethod
    def _is_reference(cls, password: str | None) -> str | None:
        if password is not None and not password.startswith(("env:", "file:")):
            raise ValueError("a password is a reference: env:NAME or file:PATH")
        return password


class ConnectionSettings(Section):
    """A source system; what is secret is a reference (`env:NAME`, `file:PATH`)."""

    type: Literal["postgres", "files", "http", "dlt", "webhooks", "kafka", "mongodb", "mysql"]
    dsn: str | None = Field(default=None, description="postgres, dlt: connection string.")
    url: str | None = Field(
        default=None,
        description="http: base URL; files: folder or bucket URL; kafka: bootstrap servers (`host:port,…`); "
        "mongodb: connection string, whose path names the database; mysql: `mysql://user@host:port/database`.",
    )
    secrets: dict[str, str] = Field(default_factory=dict, description="Further references, by name.")
    storage: StorageSettings = Field(default=StorageSettings(), description="files: how the bucket is reached.")
    kafka: KafkaSettings = Field(default=KafkaSettings(), description="kafka: security and schema registry.")
    mongo: MongoSettings = Field(default=MongoSettings(), description="mongodb: user, TLS and other options.")
    mysql: MysqlSettings = Field(default=MysqlSettings(), description="mysql: password and TLS.")
    max_connections: int = Field(default=4, ge=1, le=64)
