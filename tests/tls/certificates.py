# SPDX-License-Identifier: Apache-2.0
"""Certificates for the tests of TLS, made by the openssl command: `certificates.py FOLDER`, or make(folder).

ca.pem (alone in hashed/, too, as openssl-rehash leaves it) signs cert.pem and key.pem (a client's), and for servers good, expired, wrong-name (.pem, .key); self-signed is signed
by nobody, stranger by another authority.
"""

import pathlib
import subprocess
import sys

NAMES = "subjectAltName=DNS:localhost,DNS:tls.example,IP:127.0.0.1,IP:::1"


def openssl(folder, *words, **settings):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, text=True, **settings)


def key(folder, name):
    # Small keys make short handshakes, which are cut at every byte.
    openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")


def authority(folder, name):
    key(folder, name)
    openssl(folder, "req", "-x509", "-new", "-key", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name} of tests",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")


def signed(folder, name, by="ca", names=NAMES, usage="serverAuth", validity=("-days", "2")):
    key(folder, name)
    openssl(folder, "req", "-new", "-key", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (folder / f"{name}.ext").write_text(f"extendedKeyUsage={usage}\n{names}\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial", "-extfile",
            f"{name}.ext", "-out", f"{name}.pem", *validity)


def expired(folder):
    """openssl-x509 cannot date back in every version; openssl-ca can."""
    key(folder, "expired")
    openssl(folder, "req", "-new", "-key", "expired.key", "-out", "expired.csr", "-subj", "/CN=expired")
    (folder / "index.txt").write_text("")
    (folder / "expired.cnf").write_text(
        "[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n"
        "x509_extensions=e\n[p]\ncommonName=supplied\n[e]\nextendedKeyUsage=serverAuth\n" + NAMES + "\n")
    openssl(folder, "ca", "-batch", "-config", "expired.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", "expired.csr", "-out",
            "expired.pem", "-notext", "-startdate", "20200101000000Z", "-enddate", "20200102000000Z")


def make(folder):
    folder = pathlib.Path(folder)
    authority(folder, "ca")
    authority(folder, "other-ca")
    (folder / "hashed").mkdir()
    found = subprocess.run(["openssl", "x509", "-noout", "-hash", "-in", "ca.pem"], cwd=folder, check=True, capture_output=True, text=True)
    (folder / "hashed" / f"{found.stdout.strip()}.0").write_bytes((folder / "ca.pem").read_bytes())
    signed(folder, "good")
    signed(folder, "wrong-name", names="subjectAltName=DNS:elsewhere.example")
    signed(folder, "stranger", by="other-ca")
    expired(folder)
    key(folder, "self-signed")
    openssl(folder, "req", "-x509", "-new", "-key", "self-signed.key", "-out", "self-signed.pem", "-days", "2", "-subj", "/CN=self-signed",
            "-addext", NAMES)
    # As the docker command names a client's.
    signed(folder, "client", names="", usage="clientAuth")
    (folder / "client.pem").rename(folder / "cert.pem")
    (folder / "client.key").rename(folder / "key.pem")
    return folder


if __name__ == "__main__":
    make(sys.argv[1])
