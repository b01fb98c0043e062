"""Writes or reads the vectors with jwcrypto (Debian: apt-get install python3-jwcrypto; elsewhere: pip install jwcrypto).

  python3 jwcrypto_vectors.py write keyset.json made-by-jwcrypto
  python3 jwcrypto_vectors.py read  keyset.json made-here      prints what is inside, a line each
"""

import base64, hashlib, hmac, json, os, sys, uuid
from jwcrypto import jwe, jwk

ALGORITHMS = ["ECDH-ES+A256KW", "A256GCM", "dir", "DEF"]


def text(value):
    return json.dumps(value, separators=(",", ":"))


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64(data):
    return base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))


def seal(plaintext, protected, key, header=None):
    token = jwe.JWE(plaintext, text(protected), algs=ALGORITHMS)
    token.add_recipient(key, header=None if header is None else text(header))
    return token


def decrypt(serialized, key):
    token = jwe.JWE(algs=ALGORITHMS)
    token.deserialize(serialized, key)
    return token.payload


def write(keyset, folder):
    os.makedirs(folder, exist_ok=True)
    workspace_id, key_id = keyset["workspaceId"], keyset["keyId"]
    public = jwk.JWK(**{k: v for k, v in keyset["privateJwk"].items() if k != "d"})
    head = {"enc": "A256GCM", "typ": "dnb+jwe", "ws": workspace_id}

    # Straight to the public key.
    protected = {**head, "alg": "ECDH-ES+A256KW", "kind": "parameters", "kid": key_id, "dep": "weather/nightly"}
    parameters = seal(b'{"station":"Seattle","year":2012}', protected, public).serialize(compact=True)

    # A data key, wrapped for the workspace key and tagged.
    data_key_id, secret = str(uuid.uuid4()), os.urandom(32)
    protected = {"enc": "A256GCM", "typ": "dnb-dek+jwe", "ws": workspace_id, "dk": data_key_id}
    flat = json.loads(seal(secret, protected, public, {"alg": "ECDH-ES+A256KW", "kid": key_id}).serialize())
    shared = {name: flat[name] for name in ("protected", "iv", "ciphertext", "tag")}
    recipient = {name: flat[name] for name in ("header", "encrypted_key")}
    wrap = text({**shared, "recipients": [recipient]})
    claim = text([workspace_id, data_key_id, b64(hashlib.sha256(wrap.encode()).digest())])
    tag = b64(hmac.new(from_b64(keyset["authKey"]), claim.encode(), "sha256").digest())

    # A deflated piece of log, sealed with that data key.
    place = {"run": "0198f2a0-0000-7000-8000-000000000002", "epoch": 1, "seq": 0}
    protected = {**head, "alg": "dir", "kind": "log", "zip": "DEF", "kid": data_key_id, **place}
    line = {"at": "2026-01-02T03:04:05Z", "level": "info", "logger": "weather", "text": "42 rows read"}
    log = seal(text([line]).encode(), protected, jwk.JWK(kty="oct", k=b64(secret))).serialize(compact=True)

    for name, content in (
        ("parameters.jwe", parameters),
        ("data-key.json", text({"id": data_key_id, "wrap": wrap, "wrapTag": tag})),
        ("log.jwe", log),
    ):
        with open(os.path.join(folder, name), "w") as file:
            file.write(content)


def read(keyset, folder):
    def stored(name):
        with open(os.path.join(folder, name)) as file:
            return file.read()

    workspace_key = jwk.JWK(**keyset["privateJwk"])
    print(decrypt(stored("parameters.jwe"), workspace_key).decode())
    secret = decrypt(json.loads(stored("data-key.json"))["wrap"], workspace_key)
    print(decrypt(stored("log.jwe"), jwk.JWK(kty="oct", k=b64(secret))).decode())


if __name__ == "__main__":
    action, keyset_path, vectors = sys.argv[1:]
    with open(keyset_path) as source:
        {"write": write, "read": read}[action](json.load(source), vectors)
