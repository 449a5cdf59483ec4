// Drives a virtual reader from Java: lays cards down through the control socket, and reads them over TCP.
//
//     prcard simulate --face tcp --json          prints control socket and port
//     java examples/DriveReader.java CONTROL HOST PORT
//
// Needs Java 16 for local sockets; with an older one serve the control socket by --control tcp:127.0.0.1:0.

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

public class DriveReader {
    private static SocketChannel control;
    private static OutputStream toReader;
    private static DataInputStream fromReader;

    public static void main(String[] arguments) throws IOException {
        control = SocketChannel.open(UnixDomainSocketAddress.of(arguments[0]));
        try (Socket line = new Socket(arguments[1], Integer.parseInt(arguments[2]))) {
            toReader = line.getOutputStream();
            fromReader = new DataInputStream(line.getInputStream());
            System.out.printf("no card: %02X%n", status(ask(0x20, 0x01)));
            drive("insert alice");
            read("alice");
            System.out.printf("still lying: %02X%n", status(ask(0x20, 0x01)));
            drive("insert bob");
            drive("fault wrong-check command=FIND_CARD");
            System.out.println("damaged: " + (ask(0x20, 0x01) == null ? "check byte wrong" : "whole"));
            read("bob");
            drive("remove");
            drive("insert alice");
            drive("fault card-lifted");
            read("lifted");
        }
        control.close();
    }

    /** Sends one request to the control socket and waits until it is carried out. */
    private static void drive(String request) throws IOException {
        control.write(ByteBuffer.wrap((request + "\n").getBytes(StandardCharsets.UTF_8)));
        StringBuilder answer = new StringBuilder();
        int next;
        while ((next = Channels.newInputStream(control).read()) != '\n') {
            answer.append((char) next);
        }
        if (!answer.toString().contains("\"ok\": true")) {
            throw new IOException(answer.toString());
        }
    }

    /** Sends CMD and PARA and gives SW1, SW2, SW3 and data; null when the check byte is wrong. */
    private static byte[] ask(int cmd, int para) throws IOException {
        byte[] counted = {0, 3, (byte) cmd, (byte) para};
        toReader.write(new byte[] {(byte) 0xAA, (byte) 0xAA, (byte) 0xAA, (byte) 0x96, 0x69});
        toReader.write(counted);
        toReader.write(xor(counted, 0));
        fromReader.readNBytes(5);
        int length = fromReader.readUnsignedShort();
        byte[] rest = fromReader.readNBytes(length);
        boolean whole = xor(rest, (length >> 8) ^ (length & 0xFF)) == 0;
        return whole ? java.util.Arrays.copyOf(rest, length - 1) : null;
    }

    private static int xor(byte[] bytes, int start) {
        int check = start;
        for (byte b : bytes) {
            check ^= b & 0xFF;
        }
        return check;
    }

    private static int status(byte[] body) {
        return body[2] & 0xFF;
    }

    private static void read(String name) throws IOException {
        ask(0x20, 0x01);
        ask(0x20, 0x02);
        byte[] body = ask(0x30, 0x01);
        if (body.length == 3) {
            System.out.printf("%s: %02X%n", name, status(body));
            return;
        }
        String marker = new String(body, 3 + 4 + 248, 2, StandardCharsets.UTF_16LE);
        System.out.printf("%s: %02X %s %d%n", name, status(body), marker, body.length - 3 - 4);
    }
}
