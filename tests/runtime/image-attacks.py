#!/usr/bin/env python3
"""What somebody with write access does to a signed image, and other readers of its layout.

image-attacks.py attack NAME LAYOUT KEYS OTHER OUT   a copy of the layout, attacked
image-attacks.py attacks                             the names of all attacks
image-attacks.py dir LAYOUT DIR                      the stamps as files of skopeo's dir:
image-attacks.py links LAYOUT DIR                    the layers and links as in-toto reads them
image-attacks.py stamps LAYOUT DIR                   each stamp's text and signature, for openssl
image-attacks.py expire LAYOUT_FILE KEYS OUT         an in-toto layout that ended long ago

Nothing of the program under test is used: layouts are read and changed as the specifications say.
KEYS has ROLE.key and ROLE.pub for each role and for the owner of the policy, and ROLE.pass where a
key has a passphrase. OTHER is another image that the same groups stamped. The image is tagged TAG
(environment, default 1). Needs cryptography and PyNaCl.
"""
import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

import nacl.secret
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROLES = ["core", "middleware", "application"]
NAME = "org.opencontainers.image.ref.name"
SIGNATURE = "dev.cosignproject.cosign/signature"
TAG = os.environ.get("TAG", "1")


def hexed(data):
    return hashlib.sha256(data).hexdigest()


class Keys:
    def __init__(self, top):
        self.top = Path(top)
        self.roles = [role for role in ROLES + ["owner"] if (self.top / f"{role}.pub").exists()]

    def private(self, role):
        data = (self.top / f"{role}.key").read_bytes()
        kept = self.top / f"{role}.pass"
        phrase = kept.read_bytes().rstrip(b"\n") if kept.exists() else None
        if b"SIGSTORE" in data:
            return serialization.load_der_private_key(sigstore(data, phrase or b""), None)
        return serialization.load_pem_private_key(data, phrase)

    def sign(self, role, data):
        return self.private(role).sign(data, ec.ECDSA(hashes.SHA256()))

    def signer(self, data, signature):
        """Whose signature it is, or none."""
        for role in self.roles:
            public = serialization.load_pem_public_key((self.top / f"{role}.pub").read_bytes())
            try:
                public.verify(signature, data, ec.ECDSA(hashes.SHA256()))
                return role
            except InvalidSignature:
                pass
        return None


def sigstore(pem, phrase):
    """The key in a file of cosign: scrypt and secretbox around PKCS#8."""
    box = json.loads(base64.b64decode(b"".join(pem.strip().splitlines()[1:-1])))
    bounds = box["kdf"]["params"]
    key = hashlib.scrypt(phrase, salt=base64.b64decode(box["kdf"]["salt"]), n=bounds["N"],
                         r=bounds["r"], p=bounds["p"], dklen=32, maxmem=1 << 28)
    nonce = base64.b64decode(box["cipher"]["nonce"])
    return nacl.secret.SecretBox(key).decrypt(base64.b64decode(box["ciphertext"]), nonce)


class Layout:
    def __init__(self, top):
        self.top = Path(top)
        self.index = json.loads((self.top / "index.json").read_bytes())

    def path(self, digest):
        return self.top / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def blob(self, digest):
        return self.path(digest).read_bytes()

    def document(self, digest):
        return json.loads(self.blob(digest))

    def put(self, data, like):
        """A new blob, and its descriptor after the likeness of an old one."""
        path = self.path(hexed(data))
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        return {**like, "digest": "sha256:" + hexed(data), "size": len(data)}

    def put_document(self, document, like):
        return self.put(json.dumps(document, separators=(",", ":")).encode(), like)

    def entry(self, name):
        for entry in self.index["manifests"]:
            if entry.get("annotations", {}).get(NAME) == name:
                return entry
        return None

    def image(self):
        return self.entry(TAG)

    def attached(self, suffix):
        """The stamps or attestations of the image, with the index's entry."""
        entry = self.entry(f"sha256-{self.image()['digest'][7:]}.{suffix}")
        return entry, self.document(entry["digest"]) if entry else {"layers": []}

    def write(self):
        path = self.top / "index.json"
        path.unlink()
        path.write_text(json.dumps(self.index))

    def replace(self, old, new):
        self.index["manifests"] = [new if entry is old else entry
                                   for entry in self.index["manifests"]]


def role_of(layer):
    return next(value for value in layer["annotations"].values() if value in ROLES)


def pae(envelope):
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


class Attack:
    """A copy of a layout, with its image, its stamps and its attestations in hand."""

    def __init__(self, source, keys, out):
        shutil.copytree(source, out, copy_function=os.link)
        self.layout = Layout(out)
        self.keys = keys
        self.entry = self.layout.image()
        self.manifest = self.layout.document(self.entry["digest"])
        self.config = self.layout.document(self.manifest["config"]["digest"])
        self.sig = self.layout.attached("sig")
        self.att = self.layout.attached("att")
        self.stamps = [self.stamp(layer) for layer in self.sig[1]["layers"]]
        self.envelopes = [self.envelope(layer) for layer in self.att[1]["layers"]]
        self.changed = {}

    def stamp(self, layer):
        data = self.layout.blob(layer["digest"])
        signature = base64.b64decode(layer["annotations"][SIGNATURE])
        return {"layer": layer, "data": data, "by": self.keys.signer(data, signature)}

    def envelope(self, layer):
        data = self.layout.blob(layer["digest"])
        document = json.loads(data)
        signature = base64.b64decode(document["signatures"][0]["sig"])
        return {"layer": layer, "data": data, "by": self.keys.signer(pae(document), signature)}

    def renamed(self, data):
        """With each digest that has changed."""
        for old, new in self.changed.items():
            data = data.replace(old.encode(), new.encode())
        return data

    def restamp(self, roles, by=None):
        """Stamps and attestations of these roles are made again, over what the image is now."""
        for stamp in self.stamps:
            if stamp["by"] in roles:
                data = self.renamed(stamp["data"])
                signed = self.keys.sign(by or stamp["by"], data)
                stamp["layer"] = self.layout.put(data, stamp["layer"])
                stamp["layer"]["annotations"] = {
                    **stamp["layer"]["annotations"], SIGNATURE: base64.b64encode(signed).decode()}
        for envelope in self.envelopes:
            if envelope["by"] in roles:
                document = json.loads(envelope["data"])
                payload = self.renamed(base64.b64decode(document["payload"]))
                document["payload"] = base64.b64encode(payload).decode()
                signed = self.keys.sign(by or envelope["by"], pae(document))
                for signature in document["signatures"]:
                    signature["sig"] = base64.b64encode(signed).decode()
                old = hexed(envelope["data"])
                envelope["layer"] = self.layout.put_document(document, envelope["layer"])
                self.changed[old] = envelope["layer"]["digest"][7:]

    def rebuild(self):
        """The image as its layers and configuration are now."""
        new = self.layout.put_document(self.config, self.manifest["config"])
        self.changed[self.manifest["config"]["digest"][7:]] = new["digest"][7:]
        self.manifest["config"] = new
        entry = self.layout.put_document(self.manifest, self.entry)
        self.changed[self.entry["digest"][7:]] = entry["digest"][7:]
        self.layout.replace(self.entry, entry)
        self.entry = entry

    def change_layer(self, at, data, raw):
        old = self.manifest["layers"][at]
        self.manifest["layers"][at] = self.layout.put(data, old)
        self.changed[old["digest"][7:]] = hexed(data)
        self.changed[self.config["rootfs"]["diff_ids"][at][7:]] = hexed(raw)
        self.config["rootfs"]["diff_ids"][at] = "sha256:" + hexed(raw)

    def finish(self):
        """Stamps and attestations go where readers look for those of the image."""
        for (entry, document), parts, suffix in (
                (self.sig, self.stamps, "sig"), (self.att, self.envelopes, "att")):
            document["layers"] = [part["layer"] for part in parts]
            new = self.layout.put_document(document, entry)
            name = f"sha256-{self.entry['digest'][7:]}.{suffix}"
            new["annotations"] = {**entry["annotations"], NAME: name}
            self.layout.replace(entry, new)
        self.layout.write()

    def layer_of(self, role):
        return next(at for at, layer in enumerate(self.manifest["layers"])
                    if role_of(layer) == role)

    def edited(self, at, path=None, text=b"#!/bin/sh\n# not what was packed\n"):
        """A layer with a file more, or with another content of its first file."""
        data = gzip.decompress(self.layout.blob(self.manifest["layers"][at]["digest"]))
        out = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(data)) as source, \
                tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as target:
            for member in source:
                file = source.extractfile(member) if member.isreg() else None
                if file and member.size and path is None:
                    path = member.name
                    member.size, file = len(text), io.BytesIO(text)
                    target.addfile(member, file)
                    path, text = "", None
                    continue
                target.addfile(member, file)
            if text is not None:
                member = tarfile.TarInfo(path or "usr/share/more")
                member.size, member.mode = len(text), 0o755
                target.addfile(member, io.BytesIO(text))
        raw = out.getvalue()
        return gzip.compress(raw, 1, mtime=0), raw

    def a_file_of(self, at):
        data = gzip.decompress(self.layout.blob(self.manifest["layers"][at]["digest"]))
        with tarfile.open(fileobj=io.BytesIO(data)) as source:
            return next((member.name for member in source if member.isreg() and member.size), None)


def changed_layer(attack, _other):
    """Middleware's layer is another; names and digests are made to fit, stamps stay."""
    at = attack.layer_of("middleware")
    attack.change_layer(at, *attack.edited(at))
    attack.rebuild()


def edited_layer(attack, _other):
    """Application changes middleware's layer, and stamps the whole again."""
    changed_layer(attack, None)
    attack.restamp(["application"])


def changed_blob(attack, _other):
    """The bytes of middleware's layer are others, under the old name."""
    at = attack.layer_of("middleware")
    path = attack.layout.path(attack.manifest["layers"][at]["digest"])
    data, _ = attack.edited(at)
    path.unlink()
    path.write_bytes(data)


def swapped_order(attack, _other):
    """The lower two layers change places."""
    layers, ids = attack.manifest["layers"], attack.config["rootfs"]["diff_ids"]
    layers[0], layers[1] = layers[1], layers[0]
    ids[0], ids[1] = ids[1], ids[0]
    attack.rebuild()


def removed_stamp(attack, _other):
    """All that middleware signed is gone."""
    attack.stamps = [part for part in attack.stamps if part["by"] != "middleware"]
    attack.envelopes = [part for part in attack.envelopes if part["by"] != "middleware"]


def wrong_group(attack, _other):
    """What middleware signed is signed by application, in middleware's name."""
    attack.restamp(["middleware"], by="application")


def foreign_file(attack, _other):
    """Application's layer has a file of core, with another content; all groups stamp it blindly."""
    path = attack.a_file_of(attack.layer_of("core")) or attack.a_file_of(attack.layer_of("middleware"))
    at = attack.layer_of("application")
    attack.change_layer(at, *attack.edited(at, path))
    attack.rebuild()
    attack.restamp(ROLES)


def smuggled_layer(attack, _other):
    """A fourth layer, stamped by application alone."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as target:
        member = tarfile.TarInfo("usr/bin/smuggled")
        member.size, member.mode = 4, 0o755
        target.addfile(member, io.BytesIO(b"#!/\n"))
    raw = out.getvalue()
    like = attack.manifest["layers"][attack.layer_of("application")]
    attack.manifest["layers"].append(attack.layout.put(gzip.compress(raw, mtime=0), like))
    attack.config["rootfs"]["diff_ids"].append("sha256:" + hexed(raw))
    if attack.config.get("history"):
        attack.config["history"].append(attack.config["history"][-1])
    attack.rebuild()
    attack.restamp(["application"])


def replayed_stamp(attack, other):
    """Stamps and attestations of another image of the same groups."""
    source = Layout(other)
    for suffix, name, read in (("sig", "stamps", attack.stamp), ("att", "envelopes", attack.envelope)):
        layers = source.attached(suffix)[1]["layers"]
        for layer in layers:
            attack.layout.put(source.blob(layer["digest"]), layer)
        setattr(attack, name, [read(layer) for layer in layers])


def truncated_blob(attack, _other):
    """The end of middleware's layer is missing."""
    path = attack.layout.path(attack.manifest["layers"][attack.layer_of("middleware")]["digest"])
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-20])


def lying_digest(attack, _other):
    """Under the digest that all stamped lies another manifest."""
    at = attack.layer_of("middleware")
    data, _ = attack.edited(at)
    attack.manifest["layers"][at] = attack.layout.put(data, attack.manifest["layers"][at])
    path = attack.layout.path(attack.entry["digest"])
    path.unlink()
    path.write_text(json.dumps(attack.manifest))


def lying_diff_id(attack, _other):
    """The configuration says of a layer what it is not; all groups stamp it blindly."""
    at = attack.layer_of("middleware")
    attack.changed[attack.config["rootfs"]["diff_ids"][at][7:]] = "1" * 64
    attack.config["rootfs"]["diff_ids"][at] = "sha256:" + "1" * 64
    attack.rebuild()
    attack.restamp(ROLES)


def moved_name(attack, _other):
    """The image's name is on another; what is stamped stays, and stays the one marked for cosign."""
    stamped = attack.entry
    at = attack.layer_of("middleware")
    attack.change_layer(at, *attack.edited(at))
    attack.rebuild()
    attack.entry["annotations"] = {NAME: TAG}
    nameless = {key: value for key, value in stamped["annotations"].items() if key != NAME}
    attack.entry = {**stamped, "annotations": nameless}
    attack.layout.index["manifests"].append(attack.entry)


ATTACKS = [changed_layer, edited_layer, changed_blob, swapped_order, removed_stamp, wrong_group,
           foreign_file, smuggled_layer, replayed_stamp, truncated_blob, lying_digest, lying_diff_id,
           moved_name]


def named(function):
    return function.__name__.replace("_", "-")


def make(name, layout, keys, other, out):
    function = next(function for function in ATTACKS if named(function) == name)
    attack = Attack(layout, Keys(keys), out)
    function(attack, other)
    attack.finish()


def as_dir(layout, out):
    layout = Layout(layout)
    for number, layer in enumerate(layout.attached("sig")[1]["layers"], 1):
        payload = base64.b64encode(layout.blob(layer["digest"])).decode()
        text = {"mimeType": layer["mediaType"], "payload": payload,
                "annotations": {SIGNATURE: layer["annotations"][SIGNATURE]}}
        path = Path(out) / f"signature-{number}"
        path.write_bytes(b"\0sigstore-json\n" + json.dumps(text).encode())


def as_links(layout, out):
    """Layers by their place and role, links by the step and the key that the envelope names."""
    layout, out = Layout(layout), Path(out)
    (out / "layers").mkdir(parents=True)
    manifest = layout.document(layout.image()["digest"])
    for number, layer in enumerate(manifest["layers"]):
        (out / "layers" / f"{number:02}-{role_of(layer)}.tar.gz").write_bytes(layout.blob(layer["digest"]))
    for layer in layout.attached("att")[1]["layers"]:
        envelope = layout.document(layer["digest"])
        payload = json.loads(base64.b64decode(envelope["payload"]))
        if payload.get("_type") == "link":
            key = envelope["signatures"][0]["keyid"][:8]
            (out / f"{payload['name']}.{key}.link").write_text(json.dumps(envelope))


def as_stamps(layout, out):
    layout, out = Layout(layout), Path(out)
    out.mkdir(parents=True)
    for number, layer in enumerate(layout.attached("sig")[1]["layers"]):
        (out / f"{number}.text").write_bytes(layout.blob(layer["digest"]))
        (out / f"{number}.der").write_bytes(base64.b64decode(layer["annotations"][SIGNATURE]))
    (out / "manifest").write_bytes(layout.blob(layout.image()["digest"]))


def expire(path, keys, out):
    envelope = json.loads(Path(path).read_bytes())
    layout = json.loads(base64.b64decode(envelope["payload"]))
    layout["expires"] = "2001-01-01T00:00:00Z"
    envelope["payload"] = base64.b64encode(json.dumps(layout).encode()).decode()
    signed = base64.b64encode(Keys(keys).sign("owner", pae(envelope))).decode()
    for signature in envelope["signatures"]:
        signature["sig"] = signed
    Path(out).write_text(json.dumps(envelope))


COMMANDS = {"attack": make, "dir": as_dir, "links": as_links, "stamps": as_stamps, "expire": expire}

if __name__ == "__main__":
    if sys.argv[1:] == ["attacks"]:
        print(*map(named, ATTACKS))
    elif len(sys.argv) > 2 and sys.argv[1] in COMMANDS:
        COMMANDS[sys.argv[1]](*sys.argv[2:])
    else:
        sys.exit(__doc__)
