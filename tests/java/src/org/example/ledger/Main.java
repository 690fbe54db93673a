package org.example.ledger;

import com.sun.net.httpserver.HttpServer;
import java.io.*;
import java.net.InetSocketAddress;
import java.nio.file.*;
import java.sql.DriverManager;
import java.util.logging.FileHandler;

/** The first class: settings, a store of its own, a database, a log and a port. */
public class Main {
    static final String NAME = "ledger";

    public static void main(String[] args) throws Exception {
        String home = args.length > 0 ? args[0] : System.getProperty("user.dir");
        Config config = new Config(new File(home, "conf/ledger.properties"));
        Store store = new Store(config.dataDir());
        store.save("first", "entry");
        String url = "jdbc:sqlite:" + store.dir() + File.separator + NAME + ".db";
        DriverManager.getConnection(url);
        new FileHandler("%h/.ledger/ledger%g.log", 1000, 3);
        Path spool = Paths.get(System.getProperty("ledger.spool", "spool"), "in");
        Files.createDirectories(spool);
        try (PrintWriter out = new PrintWriter(new FileWriter("audit.log", true))) {
            out.println("started");
        }
        File list = new File(System.getenv("LEDGER_CACHE") + "/list.txt");
        File tmp = File.createTempFile("ledger", ".tmp");
        tmp.renameTo(list);
        int port = Integer.parseInt(config.get("port", "8181"));
        HttpServer.create(new InetSocketAddress(port), 0).start();
        Runtime.getRuntime().exec(new String[] {"/usr/bin/gzip", "-9", store.dir() + "/old"});
    }
}
