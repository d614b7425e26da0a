# One image for every host of the lab but the student's: all server programs; `lab_env.docker.host` starts a host's own.
FROM debian:bookworm-slim
ENV PYTHONPATH=/opt/portlab PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["python3", "-m", "lab_env.docker.host"]

RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      chrony dnsmasq-base dovecot-imapd dovecot-pop3d inetutils-telnetd kamailio kamailio-tls-modules mariadb-server-core \
      nginx-light openssh-server postfix redis-server rsyslog samba slapd snmpd snmptrapd tftpd-hpa tinyproxy-bin vsftpd xrdp \
      iproute2 iputils-ping libpython3-stdlib nftables openssl python3-minimal socat tcpdump \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /etc/ssh/ssh_host_* /var/lib/ldap/*

COPY lab_env/docker/config /etc/portlab
RUN sh /etc/portlab/setup.sh

# What changes most often comes last.
COPY . /opt/portlab
