//! Honeypot protocols: SSH and Telnet, persona, fake file system, disk spool, uplink.
