"""Makes the jars, the keystore and the database file of the order server, the same bytes each time.

The keystore is a Java keystore in form (magic, version 2, one private-key entry), but what stands
for the key is a sentence, and the closing digest is zero: no tool opens it, and it guards nothing.
The database file has the header of an H2 store and nothing behind it.
"""

import struct
import sys
import zipfile

root, classes = sys.argv[1:3]
home = root + "/opt/order-server"


def jar(name, title, version, entries):
    manifest = (
        "Manifest-Version: 1.0\r\n"
        f"Implementation-Title: {title}\r\n"
        f"Implementation-Version: {version}\r\n"
        + ("Main-Class: orders.Server\r\n" if title == "order-server" else "")
        + "Build-Jdk: 1.8.0_202\r\n\r\n"
    )
    with zipfile.ZipFile(f"{home}/lib/{name}", "w", zipfile.ZIP_DEFLATED) as z:
        for path, data in [("META-INF/MANIFEST.MF", manifest.encode()), *entries]:
            info = zipfile.ZipInfo(path, (2019, 5, 2, 7, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            z.writestr(info, data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


jar("order-server-5.2.jar", "order-server", "5.2", [("orders/Server.class", read(classes + "/orders/Server.class"))])
jar("nativeio-1.4.jar", "nativeio", "1.4", [
    ("META-INF/native/linux-x86_64/libnativeio.so", read(classes + "/libnativeio.so")),
    ("nativeio/NativeIo.class", read(classes + "/nativeio/NativeIo.class")),
])
jar("logback-classic-1.1.3.jar", "logback-classic", "1.1.3", [])
jar("h2-1.4.196.jar", "h2", "1.4.196", [])


def utf(text):
    data = text.encode()
    return struct.pack(">H", len(data)) + data


key = b"this is not a key; it only stands where a key would be"
with open(home + "/ssl/orders.jks", "wb") as f:
    f.write(struct.pack(">III", 0xFEEDFEED, 2, 1))  # magic, version, entries
    f.write(struct.pack(">I", 1) + utf("orders") + struct.pack(">Q", 1556780400000))  # key entry, alias, made
    f.write(struct.pack(">I", len(key)) + key + struct.pack(">I", 0))  # the key, certificates
    f.write(bytes(20))  # digest

with open(home + "/data/orders.mv.db", "wb") as f:
    header = b"H:2,block:2,blockSize:1000,chunk:1,created:16a7765c280,format:1,version:1,fletcher:00000000\n"
    f.write(header.ljust(4096, b" "))
