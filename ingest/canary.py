"""The canary: every 10 seconds a message of our own through the whole path, to see that it is whole.

It is published as a device publishes, over a connection of its own, and arrives among the devices' messages; the batch
that holds it records it. It is no event: nobody's device said it.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from datetime import UTC, datetime

import orjson
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from ingest.backoff import Backoff
from ingest.decoders.payload import parse_json, time_of
from nyttig.errors import BrokerUnavailableError, DecodeError
from nyttig.model import Message
from nyttig.settings import Broker
from nyttig.store.canaries import Canary

TOPIC = "wt/v1/nyttig/canary/ingest/health"
EVERY_SECONDS = 10.0
CLIENT_ID_CHARACTERS_MAX = 200
_CONNECT_SECONDS = 5.0
_KEEPALIVE_SECONDS = 15
_LOOK_SECONDS = 0.5

log = logging.getLogger("nyttig.ingest")


def read(message: Message) -> Canary | None:
    """The canary that `message` is; None for any other message, also one on the canary's topic."""
    if message.topic != TOPIC or message.retained:
        return None
    try:
        content = parse_json(message.payload)
        if not isinstance(content, dict) or content.keys() != {"client_id", "sent_at"}:
            return None
        client_id, sent_at = content["client_id"], content["sent_at"]
        if not isinstance(client_id, str) or len(client_id) > CLIENT_ID_CHARACTERS_MAX:
            return None
        sent = time_of(sent_at) if isinstance(sent_at, str) else None
    except (DecodeError, ValueError):
        return None
    return None if sent is None else Canary(client_id, min(sent, message.received_at), message.received_at)


def written(client_id: str, sent_at: datetime) -> bytes:
    """The payload that `read` reads."""
    return orjson.dumps({"client_id": client_id[:CLIENT_ID_CHARACTERS_MAX], "sent_at": sent_at.isoformat()})


def send_forever(
    broker: Broker, client_id: str, stop: threading.Event, *, every_seconds: float = EVERY_SECONDS
) -> None:
    """Canaries are sent until `stop` is set, whenever the broker takes them; what is not sent shows by its age."""
    backoff = Backoff(longest=5.0)
    while not stop.is_set():
        try:
            _send(broker, client_id, stop, every_seconds, backoff)
        except (OSError, ValueError, BrokerUnavailableError) as error:
            if backoff.fresh:
                log.info("the canary has no connection to the broker: %s", error)
            stop.wait(backoff.next_seconds())


def _send(
    broker: Broker, client_id: str, stop: threading.Event, every_seconds: float, backoff: Backoff
) -> None:
    """Canaries were sent until `stop` was set; raises OSError, ValueError and BrokerUnavailableError before that.

    MQTT 3.1.1, which every broker speaks: how we publish makes no difference to how we receive.
    """
    client = paho.Client(CallbackAPIVersion.VERSION2, f"{client_id}-canary", protocol=paho.MQTTv311)
    if broker.tls:
        client.tls_set_context(ssl.create_default_context())
    if broker.username:
        client.username_pw_set(broker.username, broker.password)
    client.connect_timeout = _CONNECT_SECONDS
    client.connect(broker.host, broker.port, _KEEPALIVE_SECONDS)
    due = time.monotonic()
    while not stop.is_set():
        code = client.loop(min(_LOOK_SECONDS, every_seconds))
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerUnavailableError(paho.error_string(code))
        if client.is_connected() and time.monotonic() >= due:
            due = time.monotonic() + every_seconds
            client.publish(TOPIC, written(client_id, datetime.now(UTC)), qos=1)
            backoff.reset()
    client.disconnect()
