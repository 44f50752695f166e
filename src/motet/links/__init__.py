"""SMPP on sockets: the server that ESMEs bind to, the client that binds to SMSCs."""
