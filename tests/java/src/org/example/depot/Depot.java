package org.example.depot;

import java.io.*;
import java.net.*;
import java.nio.file.*;
import java.sql.DriverManager;
import java.util.*;
import java.util.function.Supplier;

/** What the first class of a program may look like: branches, loops, numbers that take two places, functions. */
public class Depot {
    private static final int BASE = 7000;
    private static String root = "/srv/depot";
    private final List<String> names = new ArrayList<>();

    interface Shelf {
        File place();
    }

    static class Local implements Shelf {
        private final String name;

        Local(String name) {
            this.name = name;
        }

        public File place() {
            return new File(root + "/shelves", name);
        }
    }

    public static void main(String[] args) throws Exception {
        long begun = System.currentTimeMillis() * 2L;
        String mode = args.length > 1 ? args[1] : "plain";
        String dir;
        switch (mode) {
            case "spare":
                dir = "/var/lib/depot-spare";
                break;
            case "plain":
                dir = "/var/lib/depot-plain";
                break;
            default:
                throw new IllegalArgumentException(mode + begun);
        }
        for (int i = 0; i < 3; i++) {
            new File(dir, String.format("slot-%d", i)).createNewFile();
        }
        Shelf shelf = new Local("left");
        shelf.place().mkdirs();
        Supplier<Path> stock = () -> Paths.get("/var/cache/depot").resolve("stock.csv");
        Files.move(Paths.get("/var/spool/depot/new.csv"), Paths.get("/var/cache/depot", "now.csv"));
        Files.write(Paths.get("/var/cache/depot").resolve("stock.csv"), new byte[0]);
        DriverManager.getConnection("jdbc:h2:~/depot;AUTO_SERVER=TRUE");
        DriverManager.getConnection("jdbc:hsqldb:file:/var/lib/depot/base", "sa", "");
        DriverManager.getConnection("jdbc:postgresql://db.internal/depot");
        ServerSocket control = new ServerSocket(BASE + 70, 5, InetAddress.getByName("127.0.0.1"));
        ServerSocket open = new ServerSocket();
        open.bind(new InetSocketAddress("0.0.0.0", 7071));
        new DatagramSocket(7072);
        new ProcessBuilder("/usr/bin/rsync", "-a", dir, "/backup/depot").start();
        new ProcessBuilder(Arrays.asList("sh", "-c", "date > /var/log/depot/last")).start();
        try (RandomAccessFile in = new RandomAccessFile("/etc/depot/list", "r")) {
            root = in.readLine();
        } finally {
            new File("/run/depot/lock").delete();
        }
        File jar = new File(Depot.class.getProtectionDomain().getCodeSource().getLocation().getPath());
        new FileWriter(new File(jar.getParentFile(), "beside.txt")).close();
        System.out.println(stock.get() + " " + begun);
    }
}
