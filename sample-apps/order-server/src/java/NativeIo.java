package nativeio;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;

/** Unpacks the library that this jar carries into the temporary directory, and loads it. */
public class NativeIo {
    static {
        try (InputStream in = NativeIo.class.getResourceAsStream("/META-INF/native/linux-x86_64/libnativeio.so")) {
            File copy = File.createTempFile("libnativeio", ".so");
            copy.delete();
            Files.copy(in, copy.toPath());
            System.load(copy.getPath());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    public static native int adviseSequential(int fd);
}
