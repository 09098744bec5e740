/* Calibration: lets sockets in and writes frames of 16 messages to them, as fast as the kernel takes them. Usage: blast */
#include "wire.h"

#define MESSAGES 16
#define TEXT 200
#define SOCKETS 4096
#define LIFE_S 300

static int sockets[SOCKETS], count;

static size_t fill(char *frames) {
  size_t length = 0;
  for (int i = 0; i < MESSAGES; i++) {
    frames[length] = (char)0x81;
    frames[length + 1] = 126;
    frames[length + 2] = 0;
    frames[length + 3] = (char)TEXT;
    memset(frames + length + 4, 'x', TEXT);
    memset(frames + length + 4, MARK, 2);
    memset(frames + length + 6, '0', 8);
    length += 4 + TEXT;
  }
  return length;
}

static void welcome(int fd) {
  static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  char head[4096];
  if (recv(fd, head, sizeof head, 0) <= 0) fail("recv");
  send_all(fd, answer, sizeof answer - 1);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  sockets[count++] = fd;
}

int main(int arguments, char **values) {
  static char frames[MESSAGES * (TEXT + 4)];
  size_t length = fill(frames);
  int wanted = arguments > 1 ? atoi(values[1]) : 1000;
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof here;
  int door = socket(AF_INET, SOCK_STREAM, 0);
  allow_many_files();
  allow_seconds(LIFE_S);
  if (wanted < 1 || wanted > SOCKETS) quit("too many sockets");
  if (bind(door, (struct sockaddr *)&here, sizeof here) < 0 || listen(door, 1024) < 0) fail("listen");
  getsockname(door, (struct sockaddr *)&here, &size);
  printf("listening on http://127.0.0.1:%d/\n", ntohs(here.sin_port));
  fflush(stdout);
  while (count < wanted) welcome(accept(door, NULL, NULL));
  /* Whole frames only: where one does not fit, the kernel's buffer is full and the socket waits for its turn. */
  for (;;)
    for (int i = 0; i < count; i++) {
      ssize_t sent = send(sockets[i], frames, length, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN) return 0;
      if (sent >= 0 && (size_t)sent < length) send_all(sockets[i], frames + sent, length - sent);
    }
}
