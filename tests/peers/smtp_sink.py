"""An SMTP server for tests (Python's aiosmtpd): takes mail, writes down what it took, and misbehaves when asked to.

    scripts/python-peer tests/peers/smtp_sink.py [OPTIONS]

It listens on 127.0.0.1 at a free port, and writes one JSON object a line to standard output, or to --log FILE (the first line always goes
to standard output as well):

    {"event": "listening", "port": 12345, "ca": "/tmp/…/ca.pem"}         "ca" with TLS only: the certificate of the authority, PEM
    {"event": "message", "session": 1, "from": "…", "to": ["…"], "login": null, "tls": null, "options": ["SIZE=5"], "data": "…"}
    {"event": "refused", "session": 1, "to": "…", "code": 550}
    {"event": "dropped", "session": 1, "at": "rcpt" | "text"}

"data" is the text as it came, each byte one character (Latin-1), dots unstuffed. "tls" is the version, such as "TLSv1.3". Sessions are
counted by connection. The server ends when its standard input is closed, so that it never outlives a test; with --stay it does not.

Options:
    --port N            listen there instead of a free port
    --tls starttls      offer STARTTLS, with a certificate for "localhost" and 127.0.0.1 made at start
    --tls implicit      TLS from the first byte
    --tls-version 1.2   no newer version of TLS than this
    --require-tls       refuse mail before STARTTLS
    --login USER:PASS   offer AUTH PLAIN and LOGIN (also in clear), and refuse mail without
    --login-only-by M   offer just PLAIN or just LOGIN
    --pipelining        offer PIPELINING
    --no-8bit           offer neither 8BITMIME nor SMTPUTF8
    --size N            the largest message taken, in bytes
    --greeting CODE     greet with this code (for example 554) and close
    --messages-max N    answer MAIL with 421 and close after so many messages on a connection
    --log FILE          append the lines to FILE

What a recipient's local part starts with decides its fate; the replies quote the address, as real ones do:
    ok…                 accepted (as is every other)
    defer-…             451 4.7.1 at RCPT
    refuse-…            550 5.1.1 at RCPT
    full-…              552 5.2.2 at RCPT
    code-NNN-…          that code at RCPT
    greylist-…          451 at the first RCPT for this address, accepted from the second on
    drop-rcpt-…         the connection is cut instead of an answer to RCPT
    drop-text-…         the text is taken and written down ("message"), and the connection is cut instead of the answer
    lost-text-…         the text is read and thrown away, and the connection is cut instead of the answer
    late-defer-…        451 after the text
    late-refuse-…       554 5.7.1 after the text
    slow-…              accepted two seconds after the text
    multiline-…         refused with a reply of three lines that holds a byte that is not UTF-8
"""

import argparse
import asyncio
import json
import os
import ssl
import sys
import tempfile
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

warnings.filterwarnings("ignore")


class Sink:
    def __init__(self, options, out):
        self.options = options
        self.out = out
        self.seen = set()
        self.sessions = 0

    def write(self, **line):
        self.out.write(json.dumps(line) + "\n")
        self.out.flush()

    def number(self, session):
        if not hasattr(session, "number"):
            self.sessions += 1
            session.number, session.messages = self.sessions, 0
        return session.number

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.number(session)
        hidden = ["8BITMIME", "SMTPUTF8"] if self.options.no_8bit else []
        # aiosmtpd offers a login even where nobody could have one.
        if not self.options.login:
            hidden += ["AUTH LOGIN PLAIN", "AUTH PLAIN LOGIN"]
        kept = []
        for response in responses:
            word = response[4:]
            if self.options.login_only_by and word.startswith("AUTH"):
                response = response[:4] + "AUTH " + self.options.login_only_by
            if word not in hidden:
                kept.append(response)
        if self.options.pipelining:
            kept.insert(len(kept) - 1, "250-PIPELINING")
        return kept

    async def handle_MAIL(self, server, session, envelope, address, mail_options):
        self.number(session)
        if self.options.messages_max and session.messages >= self.options.messages_max:
            asyncio.get_running_loop().call_later(0.05, server.transport.close)
            return "421 4.7.0 Enough messages on this connection"
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        local = address.split("@")[0].strip('"')
        reply = None
        if local.startswith("defer-"):
            reply = f"451 4.7.1 <{address}> not now"
        elif local.startswith("refuse-"):
            reply = f"550 5.1.1 <{address}> user unknown"
        elif local.startswith("full-"):
            reply = f"552 5.2.2 <{address}> mailbox full"
        elif local.startswith("code-"):
            reply = f"{local[5:8]} <{address}> as you wish"
        elif local.startswith("multiline-"):
            server._writer.write(f"550-5.1.1 <{address}>\r\n550-5.1.1 gr".encode() + b"\xfc" + b"\xdfe\r\n")
            reply = "550 5.1.1 no such mailbox"
        elif local.startswith("greylist-") and address not in self.seen:
            self.seen.add(address)
            reply = f"451 4.7.1 <{address}> greylisted"
        elif local.startswith("drop-rcpt-"):
            self.write(event="dropped", session=session.number, at="rcpt")
            server.transport.abort()
            return "421 gone"
        if reply is not None:
            self.write(event="refused", session=session.number, to=address, code=int(reply[:3]))
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return f"250 2.1.5 <{address}> OK"

    async def handle_DATA(self, server, session, envelope):
        local_parts = [address.split("@")[0] for address in envelope.rcpt_tos]
        starts = lambda start: any(local.startswith(start) for local in local_parts)
        if starts("late-defer-"):
            return f"451 4.3.0 {envelope.rcpt_tos[0]} try later"
        if starts("late-refuse-"):
            return f"554 5.7.1 {envelope.rcpt_tos[0]} message taken for spam"
        if starts("lost-text-"):
            self.write(event="dropped", session=session.number, at="text")
            server.transport.abort()
            return "421 gone"
        tls = server.transport.get_extra_info("ssl_object")
        session.messages += 1
        self.write(
            event="message",
            session=session.number,
            **{"from": envelope.mail_from},
            to=envelope.rcpt_tos,
            login=session.auth_data,
            tls=tls.version() if tls else None,
            options=envelope.mail_options,
            data=envelope.original_content.decode("latin-1"),
        )
        if starts("drop-text-"):
            self.write(event="dropped", session=session.number, at="text")
            server.transport.abort()
            return "421 gone"
        if starts("slow-"):
            await asyncio.sleep(2)
        return "250 2.0.0 Queued"

    def authenticate(self, server, session, envelope, mechanism, data):
        user, password = data.login.decode(), data.password.decode()
        if f"{user}:{password}" == self.options.login:
            return AuthResult(success=True, auth_data=user)
        return AuthResult(success=False, handled=False)


def certificate(options):
    """An authority of one use, and a server context with its certificate."""
    import trustme

    directory = tempfile.mkdtemp(prefix="smtp-sink-")
    authority = trustme.CA()
    path = os.path.join(directory, "ca.pem")
    authority.cert_pem.write_to_path(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if options.tls_version == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context, path


class Refusing(asyncio.Protocol):
    def __init__(self, code):
        self.code = code

    def connection_made(self, transport):
        transport.write(f"{self.code} 5.3.2 no service here\r\n".encode())
        transport.close()


async def serve(options, out):
    sink = Sink(options, out)
    context, authority = certificate(options) if options.tls else (None, None)

    def protocol():
        if options.greeting:
            return Refusing(options.greeting)
        return SMTP(
            sink,
            data_size_limit=options.size,
            enable_SMTPUTF8=not options.no_8bit,
            hostname="sink.test",
            ident="sink",
            tls_context=context if options.tls == "starttls" else None,
            require_starttls=options.require_tls,
            authenticator=sink.authenticate if options.login else None,
            auth_required=bool(options.login),
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )

    implicit = context if options.tls == "implicit" else None
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", options.port, ssl=implicit, backlog=512)
    listening = {"event": "listening", "port": server.sockets[0].getsockname()[1]}
    if authority:
        listening["ca"] = authority
    if out is not sys.stdout:
        print(json.dumps(listening), flush=True)
    sink.write(**listening)
    if options.stay:
        await asyncio.Event().wait()
    else:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    # Connections that are still open do not keep the program.
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", choices=["starttls", "implicit"])
    parser.add_argument("--tls-version", choices=["1.2", "1.3"])
    parser.add_argument("--require-tls", action="store_true")
    parser.add_argument("--login")
    parser.add_argument("--login-only-by", choices=["PLAIN", "LOGIN"])
    parser.add_argument("--pipelining", action="store_true")
    parser.add_argument("--no-8bit", action="store_true")
    parser.add_argument("--size", type=int, default=50_000_000)
    parser.add_argument("--greeting", type=int)
    parser.add_argument("--messages-max", type=int)
    parser.add_argument("--log")
    parser.add_argument("--stay", action="store_true")
    options = parser.parse_args()
    out = open(options.log, "a", encoding="ascii") if options.log else sys.stdout
    asyncio.run(serve(options, out))


if __name__ == "__main__":
    main()
