"""SNMP agent, 161/udp: v1 and v2c by community "public", v3 with authentication and encryption (RFC 3411, 3584)."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context

from lab_env.services.listening import Stop
from lab_env.services.site import PASSWORD, USER, Site

COMMUNITY = "public"  # the password of v1 and v2c: in clear text, and everybody's first guess
V3_PASSPHRASE = PASSWORD + "123"  # at least 8 characters (RFC 3414, section 11.2)
MIB_2 = (1, 3, 6, 1, 2, 1)
V1, V2C, V3 = 1, 2, 3  # security models
RESPONDERS = (
    cmdrsp.GetCommandResponder,
    cmdrsp.SetCommandResponder,
    cmdrsp.NextCommandResponder,
    cmdrsp.BulkCommandResponder,
)


def build(site: Site) -> engine.SnmpEngine:
    """An agent that knows its name; slow (the MIBs are loaded), so it runs in a thread."""
    agent = engine.SnmpEngine()
    config.add_v1_system(agent, COMMUNITY, COMMUNITY)
    config.add_v3_user(
        agent, USER, config.USM_AUTH_HMAC96_SHA, V3_PASSPHRASE, config.USM_PRIV_CFB128_AES, V3_PASSPHRASE
    )
    for model in (V1, V2C):
        config.add_vacm_user(agent, model, COMMUNITY, "noAuthNoPriv", MIB_2)
    config.add_vacm_user(agent, V3, USER, "authPriv", MIB_2)
    scope = context.SnmpContext(agent)
    builder = scope.get_mib_instrum().get_mib_builder()
    instance_class: Any
    (instance_class,) = builder.import_symbols("SNMPv2-SMI", "MibScalarInstance")
    description = f"PortLab {site.name}, Linux"
    values = {"sysDescr": description, "sysName": site.full_name, "sysLocation": "Lab rack 1"}
    for name, value in values.items():
        (scalar,) = builder.import_symbols("SNMPv2-MIB", name)
        builder.export_symbols("__LAB", instance_class(scalar.name, (0,), scalar.syntax.clone(value)))
    for responder in RESPONDERS:
        responder(agent, scope)

    def log(_: Any, point: str, variables: dict[str, Any], data: Any) -> None:
        site.log(f"snmp: a request from {variables['transportAddress'][0]} as {variables['securityName']}")

    agent.observer.register_observer(log, "rfc3412.receiveMessage:request")
    return agent


async def agent_of(site: Site) -> engine.SnmpEngine:
    """The host's agent, made once for all of its addresses."""
    if "snmp" not in site.shared:
        site.shared["snmp"] = asyncio.create_task(asyncio.to_thread(build, site))
    agent: engine.SnmpEngine = await site.shared["snmp"]
    return agent


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve the system group."""
    agent = await agent_of(site)
    domain = (*udp.DOMAIN_NAME, sock.fileno())  # the library tells its sockets apart by this
    transport = udp.UdpTransport().open_server_mode(sock=sock)
    config.add_transport(agent, domain, transport)

    async def stop() -> None:
        config.delete_transport(agent, domain)
        transport.close_transport()

    return stop
