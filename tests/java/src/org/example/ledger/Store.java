package org.example.ledger;

import java.io.*;

class Store {
    private final File dir;

    Store(String dir) {
        this.dir = new File(dir);
        if (!this.dir.exists()) {
            this.dir.mkdirs();
        }
    }

    File dir() {
        return dir;
    }

    void save(String name, String text) throws IOException {
        File part = new File(dir, name + ".part");
        try (RandomAccessFile file = new RandomAccessFile(part, "rw")) {
            file.writeUTF(text);
        }
        part.renameTo(new File(dir, name + ".entry"));
    }
}
