/*
 * cvhostid: prints what the licence is bound to. Set-user-ID root, because it asks the dongle's
 * device node and the first network card.
 */
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    struct ifreq card;
    unsigned char mac[6];
    int dongle, s = socket(AF_INET, SOCK_DGRAM, 0);

    setuid(0);
    if ((dongle = open("/dev/cvdongle0", O_RDWR)) >= 0) {
        write(dongle, "ID?", 3);
        close(dongle);
    }
    memset(&card, 0, sizeof card);
    strcpy(card.ifr_name, "eth0");
    if (!ioctl(s, SIOCGIFHWADDR, &card)) {
        memcpy(mac, card.ifr_hwaddr.sa_data, sizeof mac);
        printf("ETHER=%02X%02X%02X%02X%02X%02X\n", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    }
    printf("HOSTID=%08lX\n", gethostid());
    return 0;
}
