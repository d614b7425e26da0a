CREATE DATABASE IF NOT EXISTS lab;
CREATE TABLE IF NOT EXISTS lab.hosts(name varchar(20) primary key, address varchar(20));
REPLACE INTO lab.hosts VALUES ('web', '@PREFIX@.2.10'), ('mail', '@PREFIX@.1.30');
CREATE USER IF NOT EXISTS student@'%' IDENTIFIED BY 'netplus';
GRANT SELECT ON lab.* TO student@'%';
