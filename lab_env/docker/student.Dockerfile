# The student's workstation: JupyterLab, PortLab, and the tools that lessons compare it with.
FROM debian:bookworm-slim
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/opt/portlab \
    JUPYTER_CONFIG_PATH=/opt/portlab/lab_env/jupyter/config \
    NMAP_PRIVILEGED=1 \
    PORTLAB_LAB=/run/portlab/lab.json
WORKDIR /work
ENTRYPOINT ["python3", "-m", "lab_env.docker.student"]

RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      python3 python3-venv nmap tcpdump \
      ca-certificates curl dnsutils inetutils-telnet iproute2 iputils-ping ldap-utils openssh-client snmp sshpass traceroute \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/*

# The servers of the embedded lab, which end requirements.txt, have no place here.
ARG PIP_INDEX_URL
COPY requirements.txt constraints/3.11.txt /opt/portlab/
RUN sed '/^# The servers/,$d' /opt/portlab/requirements.txt > /tmp/requirements.txt \
 && python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
      -r /tmp/requirements.txt -c /opt/portlab/3.11.txt \
 && printf '#!/bin/sh\nexec /opt/venv/bin/python3 -m portlab "$@"\n' > /opt/venv/bin/portlab \
 && chmod +x /opt/venv/bin/portlab \
 && rm /tmp/requirements.txt \
 # Files a learner writes are the host user's: who that is, is known when the container starts, and goes into /run.
 && mv /etc/passwd /etc/passwd.image && ln -s /run/portlab/passwd /etc/passwd && mkdir /door /control

# What changes most often comes last.
COPY . /opt/portlab
