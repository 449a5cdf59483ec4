/* Reads a card over a serial device with nothing but the operating system, at two speeds.
 *
 *     prcard simulate --face serial --card alice --strict-speed
 *     cc -o serial_host examples/serial_host.c && ./serial_host /dev/pts/N
 *
 * The protocol at its shortest: no retries, no search for the speed, no damaged replies.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int port;

static int set_speed(speed_t speed)
{
    struct termios settings;
    if (tcgetattr(port, &settings) != 0)
        return -1;
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    cfsetispeed(&settings, speed);
    cfsetospeed(&settings, speed);
    return tcsetattr(port, TCSAFLUSH, &settings);
}

/* Sends CMD and PARA and fills `frame` with the whole reply; gives its length, -1 when none or a damaged one came. */
static int ask(unsigned char cmd, unsigned char para, unsigned char *frame, int size)
{
    unsigned char request[10] = {0xAA, 0xAA, 0xAA, 0x96, 0x69, 0x00, 0x03, cmd, para, 0x00};
    int have = 0, wanted = 7, at;
    unsigned char check = 0;
    for (at = 5; at < 9; at++)
        request[9] ^= request[at];
    if (write(port, request, sizeof request) != sizeof request)
        return -1;
    while (have < wanted) {
        struct pollfd ready = {port, POLLIN, 0};
        ssize_t got;
        if (poll(&ready, 1, 5000) <= 0 || (got = read(port, frame + have, wanted - have)) <= 0)
            return -1;
        have += (int)got;
        if (have == 7 && wanted == 7 && (wanted = 7 + (frame[5] << 8 | frame[6])) > size)
            return -1;
    }
    for (at = 5; at < have; at++)
        check ^= frame[at];
    return check == 0 ? have : -1;
}

int main(int count, char **arguments)
{
    static unsigned char frame[4096];
    int length;
    if (count != 2 || (port = open(arguments[1], O_RDWR | O_NOCTTY)) < 0 || set_speed(B115200) != 0) {
        fprintf(stderr, "usage: serial_host DEVICE\n");
        return 2;
    }
    if (ask(0x11, 0xFF, frame, sizeof frame) != 11)
        return 1;
    printf("115200 baud: status %02X\n", frame[9]);
    /* The reply comes at the old speed; the reader then needs 5 ms. */
    if (ask(0x60, 0x04, frame, sizeof frame) != 11)
        return 1;
    printf("set 9600 baud: %02X\n", frame[9]);
    usleep(5000);
    if (set_speed(B9600) != 0 || (length = ask(0x20, 0x01, frame, sizeof frame)) < 0)
        return 1;
    printf("9600 baud: find %02X, %d bytes\n", frame[9], length);
    if ((length = ask(0x20, 0x02, frame, sizeof frame)) < 0)
        return 1;
    printf("select %02X, %d bytes\n", frame[9], length);
    if ((length = ask(0x30, 0x01, frame, sizeof frame)) < 0)
        return 1;
    printf("read %02X, %d bytes, type marker %c\n", frame[9], length, frame[14 + 248]);
    close(port);
    return 0;
}
