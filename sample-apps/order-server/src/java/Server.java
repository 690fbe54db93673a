package orders;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileWriter;
import java.io.IOException;
import java.util.Properties;

/** Opens the order book and writes finished orders where accounting fetches them. */
public class Server {
    public static void main(String[] args) throws IOException {
        String home = System.getProperty("order.home", "/opt/order-server");
        Properties settings = new Properties();
        try (FileInputStream in = new FileInputStream(home + "/conf/orders.properties")) {
            settings.load(in);
        }
        File work = new File(home, "work/orders");
        work.mkdirs();
        export(new File(settings.getProperty("orders.export.dir", "/var/lib/order-server/export")));
    }

    static void export(File dir) throws IOException {
        try (FileWriter out = new FileWriter(new File(dir, "finished.csv"), true)) {
            out.write("order;customer;total\n");
        }
    }
}
