"""Certificates made on the spot with the openssl command, and what a client trusts and shows."""

import itertools
import ssl
import subprocess

_serials = itertools.count(0x1001)


def openssl(*arguments, text=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=text, capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Certificate:
    """`path` holds the certificate in PEM, `key` its private key, readable by us alone."""

    def __init__(self, path, key, serial):
        self.path, self.key, self.serial = path, key, serial


class Authority:
    """A CA with its files in `directory`, which is there."""

    def __init__(self, directory, name="ca"):
        self.directory = directory
        self.path = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        openssl("req", "-x509", *self._new_key(), "-keyout", self._key, "-out", self.path,
                "-days", 2, "-subj", f"/CN=test {name}")

    @staticmethod
    def _new_key():
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"

    def issue(self, name, host="localhost", days=1):
        """A certificate for `host`, in files called `name`; with negative days one that is over."""
        path, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        request, serial = self.directory / f"{name}.csr", next(_serials)
        extension = self.directory / f"{name}.ext"
        extension.write_text(f"subjectAltName=DNS:{host}\n")
        openssl("req", *self._new_key(), "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self._key,
                "-set_serial", serial, "-days", days, "-extfile", extension, "-out", path)
        return Certificate(path, key, serial)

    def client(self, certificate=None, version=None):
        """What a client of this CA's servers uses. `version`: the only one it speaks."""
        context = ssl.create_default_context(cafile=self.path)
        if certificate is not None:
            context.load_cert_chain(certificate.path, certificate.key)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context


def tls_settings(certificate, client_ca=None, client_auth=None, listener="http"):
    """The --set values of a listener with TLS."""
    values = {"certificate": certificate.path, "key": certificate.key, "client_ca": client_ca,
              "client_auth": client_auth}
    return [f"{listener}.tls.{name}={value}" for name, value in values.items() if value is not None]


def serial_of(connection):
    """The serial number of the certificate that the server showed."""
    return int(connection.socket.getpeercert()["serialNumber"], 16)
