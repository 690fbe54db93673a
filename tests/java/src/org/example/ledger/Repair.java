package org.example.ledger;

import java.io.*;

/** A tool that nothing starts. */
public class Repair {
    public static void main(String[] args) throws Exception {
        new FileOutputStream("/var/lib/ledger-repair/report.txt").close();
    }
}
