#!/bin/sh
# Run once, when the image is made: the learner's account, the files that servers offer, what must be laid out in advance.
set -eu

useradd --uid 1000 --create-home --shell /bin/bash student
echo student:netplus | chpasswd
mkdir -p /srv/files /srv/www
cat >/srv/files/readme.txt <<'TEXT'
Hello from PortLab.

You read this file over a network port. Which one was it, and could somebody
on the way have read it too?
TEXT

# The root file system is read-only, so whatever changes lies under /run, /tmp, /var/log or the learner's home.
postconf -e \
    queue_directory=/run/postfix data_directory=/run/postfix-data maillog_file=/dev/stdout \
    myhostname=mail.lab 'mydestination=lab, mail.lab, localhost' 'default_transport=error:no mail leaves the lab' \
    inet_interfaces=all inet_protocols=ipv4 home_mailbox=Maildir/ alias_maps= alias_database= \
    smtpd_tls_cert_file=/run/portlab/certificate.pem smtpd_tls_key_file=/run/portlab/key.pem \
    smtpd_tls_security_level=may smtp_tls_security_level=none smtp_host_lookup=native \
    smtpd_sasl_type=dovecot smtpd_sasl_path=/run/dovecot/postfix smtpd_sasl_auth_enable=yes
ln -sf /run/portlab/master.cf /etc/postfix/master.cf

printf 'auth required pam_unix.so\naccount required pam_unix.so\n' >/etc/pam.d/dovecot

# The database of databases, small; a lab that starts copies it into memory.
id mysql >/dev/null 2>&1 || useradd --system --home /var/lib/mysql --shell /usr/sbin/nologin mysql
mkdir -p /run/mysql
chown mysql: /run/mysql
{
    printf 'create database mysql;\nuse mysql;\n'
    cd /usr/share/mysql
    cat mysql_system_tables.sql mysql_performance_tables.sql mysql_system_tables_data.sql
} | mariadbd --defaults-file=/etc/portlab/mariadb.cnf --bootstrap --silent-startup
mkdir -m 700 /var/lib/portlab # the socket for orders is below it: only root comes near
mkdir /var/lib/portlab/control
cp -a /run/mysql /var/lib/portlab/mysql
rm -rf /run/mysql
