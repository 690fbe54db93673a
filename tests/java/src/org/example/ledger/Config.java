package org.example.ledger;

import java.io.*;
import java.util.Properties;

class Config {
    private final Properties properties = new Properties();

    Config(File file) throws IOException {
        try (InputStream in = new FileInputStream(file)) {
            properties.load(in);
        }
    }

    String get(String key, String fallback) {
        return properties.getProperty(key, fallback);
    }

    String dataDir() {
        String dir = properties.getProperty("data.dir");
        if (dir == null) {
            dir = "data";
        }
        return dir;
    }
}
